/** Streams from the API and measures decode while all of the streams do nothing else. `node clients.ts '<options as JSON>'` prints tokens a second. */
import { eventData } from '@ringmesh/cli';
import { promptIds, WARM_UP_STEPS } from '../measurement.ts';

export interface DecodeClientsOptions {
  url: string;
  model: string;
  vocabSize: number;
  streams: number;
  contextTokens: number;
  /** Of each stream, those that count. */
  decodeSteps: number;
  /** Tokens that a stream asks for: more than come until the last one has begun and all have their steps. */
  maxTokens: number;
}

const options = JSON.parse(process.argv[2]!) as DecodeClientsOptions;
const { streams, contextTokens, vocabSize, decodeSteps, maxTokens } = options;
const done = new AbortController();
/** When each token of each stream came, in seconds. */
const arrivals: number[][] = Array.from({ length: streams }, () => []);
let numBegun = 0;
/** Of each stream, the tokens that came before the last one had begun. */
let before: number[] = [];

await Promise.all(arrivals.map((_, index) => stream(index)));
console.log(JSON.stringify(arrivals.reduce((sum, times, index) => sum + rateOf(times, before[index]! + WARM_UP_STEPS), 0)));

async function stream(index: number): Promise<void> {
  const prompt = promptIds(contextTokens, index, vocabSize);
  const body = {
    model: options.model,
    prompt,
    max_tokens: maxTokens,
    temperature: 0,
    ignore_eos: true,
    stream: true,
    return_token_ids: true,
  };
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body), signal: done.signal };
  try {
    const response = await fetch(`${options.url}/v1/completions`, init);
    if (!response.ok || response.body === null) throw new Error(`status ${response.status}: ${await response.text()}`);
    for await (const data of eventData(response.body)) if (data !== '[DONE]') hear(index, data);
  } catch (error) {
    if (!done.signal.aborted) throw error;
    return;
  }
  throw new Error('a stream ended before it was measured');
}

function hear(index: number, data: string): void {
  const { choices } = JSON.parse(data) as { choices: { token_ids: number[] }[] };
  const times = arrivals[index]!;
  if (times.length === 0 && ++numBegun === streams) before = arrivals.map(({ length }) => length);
  for (const _ of choices[0]!.token_ids) times.push(performance.now() / 1000);
  if (numBegun < streams) return;
  if (arrivals.every(({ length }, each) => length > before[each]! + WARM_UP_STEPS + decodeSteps)) done.abort();
}

/** @param from the token at whose arrival time begins to count @returns tokens a second */
function rateOf(times: number[], from: number): number {
  return decodeSteps / (times[from + decodeSteps]! - times[from]!);
}

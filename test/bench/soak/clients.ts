/** Streams completions, as many at once as asked, until the time is over. `node clients.ts '<options as JSON>'` prints a {@link SoakClientsResult}. */
import { uniform } from '@ringmesh/sampler';
import OpenAI from 'openai';
import type { SoakPrompt } from './prompts.ts';

export interface SoakClientsOptions {
  url: string;
  model: string;
  streams: number;
  seconds: number;
  prompts: SoakPrompt[];
  /** Of each prompt, the tokens that an answer must begin with. */
  binding: number[][];
  /** Of the streams, those that their client leaves, at any moment from the request to the last token. */
  abortPercent: number;
}

export interface SoakClientsResult {
  completed: number;
  aborted: number;
  tokens: number;
  wrong: string[];
  errors: string[];
}

const options = JSON.parse(process.argv[2]!) as SoakClientsOptions;
const client = new OpenAI({ baseURL: `${options.url}/v1`, apiKey: 'none', maxRetries: 0, timeout: 600_000 });
const end = performance.now() + options.seconds * 1000;
const result: SoakClientsResult = { completed: 0, aborted: 0, tokens: 0, wrong: [], errors: [] };
/** How long the latest whole stream took: within this time others are left. */
let latestMs = 1000;
let next = 0;

await Promise.all(Array.from({ length: options.streams }, repeat));
console.log(JSON.stringify(result));

async function repeat(): Promise<void> {
  while (performance.now() < end) {
    const number = next++;
    const leaving = new AbortController();
    const leaves = uniform(0, number) * 100 < options.abortPercent;
    const timer = leaves ? setTimeout(() => leaving.abort(), uniform(1, number) * latestMs) : undefined;
    const answer: number[] = [];
    const index = number % options.prompts.length;
    try {
      await stream(index, answer, leaving.signal);
    } catch (error) {
      if (leaving.signal.aborted) result.aborted++;
      else result.errors.push(`prompt ${index}: ${String(error)}`);
    }
    clearTimeout(timer);
    check(index, answer);
  }
}

/** Reads a stream to its end. @param answer gets its tokens as they come @throws where it is left or fails */
async function stream(index: number, answer: number[], signal: AbortSignal): Promise<void> {
  const { ids, maxTokens } = options.prompts[index]!;
  const sampling = { max_tokens: maxTokens, temperature: 0, ignore_eos: true };
  const body = { model: options.model, prompt: ids, ...sampling, stream: true as const, return_token_ids: true };
  const start = performance.now();
  let reason: string | null = null;
  for await (const chunk of await client.completions.create(body, { signal })) {
    const choice = chunk.choices[0] as OpenAI.CompletionChoice & { token_ids?: number[] };
    answer.push(...(choice.token_ids ?? []));
    reason = choice.finish_reason;
  }
  signal.throwIfAborted(); // the client library ends such a stream as if it were whole
  if (reason !== 'length' || answer.length !== maxTokens)
    throw new Error(`ended with ${reason} after ${answer.length} of ${maxTokens} tokens`);
  latestMs = performance.now() - start;
  result.completed++;
}

/** Whatever came of an answer begins as the prompt's answer alone. */
function check(index: number, answer: number[]): void {
  result.tokens += answer.length;
  const binding = options.binding[index]!.slice(0, answer.length);
  if (binding.some((id, position) => answer[position] !== id)) result.wrong.push(`prompt ${index}: ${answer.join(' ')}`);
}

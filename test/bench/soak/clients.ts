/** Streams completions, as many at once as asked, until the time is over. `node clients.ts '<options as JSON>'` prints a {@link SoakClientsResult}. */
import OpenAI from 'openai';
import type { SoakPrompt } from './prompts.ts';

export interface SoakClientsOptions {
  url: string;
  streams: number;
  seconds: number;
  prompts: SoakPrompt[];
  /** Of each prompt, the tokens that an answer must begin with. */
  binding: number[][];
  /** Of the streams, those that their client leaves before the end. */
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
const model = (await client.models.list()).data[0]!.id;
const end = performance.now() + options.seconds * 1000;
const result: SoakClientsResult = { completed: 0, aborted: 0, tokens: 0, wrong: [], errors: [] };
let next = 0;

await Promise.all(Array.from({ length: options.streams }, repeat));
console.log(JSON.stringify(result));

async function repeat(): Promise<void> {
  while (performance.now() < end) {
    const number = next++;
    try {
      await stream(number, number % options.prompts.length);
    } catch (error) {
      result.errors.push(String(error));
    }
  }
}

/** Every stream that began is read to its end, or left after a few tokens. */
async function stream(number: number, index: number): Promise<void> {
  const { ids, maxTokens } = options.prompts[index]!;
  const body = {
    model,
    prompt: ids,
    max_tokens: maxTokens,
    temperature: 0,
    stream: true as const,
    ignore_eos: true,
    return_token_ids: true,
  };
  const answer: number[] = [];
  const leaveAt = number % 100 < options.abortPercent ? number % maxTokens : Infinity;
  let reason: string | null = null;
  for await (const chunk of await client.completions.create(body)) {
    const choice = chunk.choices[0] as OpenAI.CompletionChoice & { token_ids?: number[] };
    answer.push(...(choice.token_ids ?? []));
    reason = choice.finish_reason;
    if (answer.length > leaveAt) break;
  }
  result.tokens += answer.length;
  const binding = options.binding[index]!.slice(0, answer.length);
  if (binding.some((id, position) => answer[position] !== id)) result.wrong.push(`prompt ${index}: ${answer.join(' ')}`);
  if (answer.length > leaveAt) result.aborted++;
  else if (reason === 'length' && answer.length === maxTokens) result.completed++;
  else result.errors.push(`prompt ${index} ended with ${reason} after ${answer.length} of ${maxTokens} tokens`);
}

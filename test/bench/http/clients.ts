/** Streams from the API, as many at once as asked, until the time is over. `node clients.ts '<options as JSON>'` prints a {@link ClientsResult}. */
import { Agent, type IncomingMessage, request } from 'node:http';

export interface ClientsOptions {
  url: string;
  streams: number;
  seconds: number;
  /** A text that is sent as a prompt again and again meanwhile, for one token of answer; undefined: none. */
  longPrompt: string | undefined;
}

export interface ClientsResult {
  tokens: number;
  tokensPerSecond: number;
  /** From each request to its first event, in milliseconds, of streams. */
  firstTokenMs: number[];
  /** How long each long prompt took, in milliseconds. */
  longPromptMs: number[];
  errors: string[];
}

const options = JSON.parse(process.argv[2]!) as ClientsOptions;
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
const start = performance.now();
const end = start + options.seconds * 1000;
const result: ClientsResult = { tokens: 0, tokensPerSecond: 0, firstTokenMs: [], longPromptMs: [], errors: [] };
const open = new Set<IncomingMessage>();

/** A token has an event of its own, and so has the end. */
const EVENT = Buffer.from('data: {');
const STREAM = { temperature: 1, max_tokens: 900, ignore_eos: true, stream: true, return_token_ids: true };

const streams = Array.from({ length: options.streams }, (_, index) => repeat(() => stream(`What is ${index} + ${index + 7}? `, index)));
const { longPrompt } = options;
const prompts = longPrompt === undefined ? [] : [repeat(() => prefill(longPrompt))];
setTimeout(() => {
  result.tokensPerSecond = (result.tokens * 1000) / (performance.now() - start);
  for (const response of open) response.destroy();
  agent.destroy();
}, options.seconds * 1000);
await Promise.all([...streams, ...prompts]);
console.log(JSON.stringify(result));

/** One request after the other. What fails because the time is over is no error. */
async function repeat(ask: () => Promise<void>): Promise<void> {
  while (performance.now() < end) {
    try {
      await ask();
    } catch (error) {
      if (performance.now() < end) result.errors.push(String(error));
    }
  }
}

async function stream(prompt: string, seed: number): Promise<void> {
  const sentAt = performance.now();
  const response = await post({ prompt, seed, ...STREAM });
  result.firstTokenMs.push(performance.now() - sentAt);
  for await (const chunk of response) {
    const bytes = chunk as Buffer;
    for (let at = bytes.indexOf(EVENT); at !== -1; at = bytes.indexOf(EVENT, at + 1)) result.tokens++;
  }
}

async function prefill(prompt: string): Promise<void> {
  const sentAt = performance.now();
  for await (const _ of await post({ prompt, max_tokens: 1, temperature: 0 }));
  result.longPromptMs.push(performance.now() - sentAt);
}

function post(body: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = request(`${options.url}/v1/completions`, { method: 'POST', headers, agent }, (response) => {
      open.add(response.once('close', () => open.delete(response)));
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`status ${response.statusCode}`));
    });
    sent.once('error', reject).end(JSON.stringify(body));
  });
}

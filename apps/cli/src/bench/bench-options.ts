import { InvalidOptionError, parseChoice, parseInteger, parseSeconds } from '@ringmesh/core';
import { arrivalTimes, seededRandom } from './arrivals.js';
import type { Schedule } from './load.js';
import type { GoodputLimits } from './metrics.js';
import { drawFrom, parseRange, randomWords, readDataset, withPrefix } from './prompts.js';
import type { RequestBody } from './stream-request.js';

export interface BenchServeOptions {
  url: string;
  model?: string;
  apiKey?: string;
  endpoint?: string;
  requestRate?: string;
  arrivals?: string;
  concurrency?: string;
  numPrompts?: string;
  duration?: string;
  inputLen?: string;
  prefixLen?: string;
  dataset?: string;
  outputLen?: string;
  ignoreEos?: boolean;
  warmup?: string;
  seed?: string;
  timeout?: string;
  goodput?: string[];
  minGoodput?: string;
  json?: boolean;
  svg?: string;
}

/** Requests of one run: each is kept until the report. */
const MAX_PROMPTS = 10_000;
const MAX_INPUT_WORDS = 100_000;
const MAX_OUTPUT_TOKENS = 32_768;

/** The base of the API: `/v1` is added where the URL has no path. @throws InvalidOptionError */
export function baseUrlOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidOptionError(`--url: ${JSON.stringify(text)} is not a URL, for example http://127.0.0.1:8000`, { field: '--url' });
  }
  return `${url.origin}${url.pathname === '/' ? '/v1' : url.pathname.replace(/\/+$/, '')}`;
}

/** `['ttft:500', 'tpot:50']`, in milliseconds. @throws InvalidOptionError */
export function parseGoodput(texts: readonly string[]): GoodputLimits {
  const limits: GoodputLimits = {};
  for (const text of texts) {
    const [, name, value] = /^(ttft|tpot|e2e):(\d{1,7}(?:\.\d+)?)$/.exec(text) ?? [];
    if (name === undefined) {
      throw new InvalidOptionError(`--goodput: ${JSON.stringify(text)} is not ttft, tpot or e2e with milliseconds, for example ttft:500`, {
        field: '--goodput',
      });
    }
    limits[name as keyof GoodputLimits] = Number(value);
  }
  return limits;
}

/** The share of requests that must keep the limits. @throws InvalidOptionError */
export function minGoodputOf({ goodput = [], minGoodput }: BenchServeOptions): number | undefined {
  if (minGoodput === undefined) return undefined;
  const share = Number(minGoodput);
  if (minGoodput.trim() === '' || !(share >= 0 && share <= 1)) {
    throw new InvalidOptionError(`--min-goodput: ${JSON.stringify(minGoodput)} is not a share from 0 to 1, for example 0.95`, {
      field: '--min-goodput',
    });
  }
  if (goodput.length === 0) {
    throw new InvalidOptionError('--min-goodput: give the limits, too, for example --goodput ttft:500', { field: '--min-goodput' });
  }
  return share;
}

/** @throws InvalidOptionError */
export function scheduleOf({ requestRate, concurrency, arrivals, numPrompts, seed }: BenchServeOptions): Schedule {
  const count = parseInteger('--num-prompts', numPrompts, 1, MAX_PROMPTS) ?? 100;
  const slots = parseInteger('--concurrency', concurrency, 1, 4096);
  if (slots !== undefined && requestRate !== undefined) {
    throw new InvalidOptionError('--concurrency and --request-rate exclude each other: give one', { field: '--concurrency' });
  }
  if (slots !== undefined) return { concurrency: slots, count };
  const rate = requestRate === undefined || requestRate === 'inf' ? Infinity : Number(requestRate);
  if (!(rate >= 0.001)) {
    throw new InvalidOptionError(`--request-rate: ${JSON.stringify(requestRate)} is not inf or requests a second, 0.001 at least`, {
      field: '--request-rate',
    });
  }
  const kind = parseChoice('--arrivals', arrivals, ['poisson', 'constant']) ?? 'poisson';
  return { arrivalsMs: arrivalTimes(kind, rate, count, seededRandom(seedOf(seed))) };
}

/** What each next request asks; a data set starts again at its end. @throws InvalidOptionError */
export async function requestsOf({
  inputLen,
  outputLen,
  prefixLen,
  dataset,
  endpoint,
  seed,
}: BenchServeOptions): Promise<() => RequestBody> {
  if (dataset !== undefined && inputLen !== undefined) {
    throw new InvalidOptionError('--dataset and --input-len exclude each other: give one', { field: '--dataset' });
  }
  const words = parseRange('--input-len', inputLen, MAX_INPUT_WORDS) ?? { min: 64, max: 64 };
  const outputTokens = parseRange('--output-len', outputLen, MAX_OUTPUT_TOKENS) ?? { min: 128, max: 128 };
  const prefixWords = parseInteger('--prefix-len', prefixLen, 0, MAX_INPUT_WORDS) ?? 0;
  const prompts = dataset === undefined ? null : await readDataset(dataset);
  if (endpoint === 'completions' && prompts?.some((prompt) => 'messages' in prompt)) {
    throw new InvalidOptionError('--endpoint: completions takes no "messages", which --dataset has: use chat', { field: '--endpoint' });
  }
  const random = seededRandom(seedOf(seed));
  const prefix = randomWords(prefixWords, random);
  let next = 0;
  return () => {
    const prompt = prompts === null ? { prompt: randomWords(drawFrom(words, random), random) } : prompts[next++ % prompts.length]!;
    return { prompt: withPrefix(prefix, prompt), outputTokens: drawFrom(outputTokens, random) };
  };
}

function seedOf(seed: string | undefined): number {
  return parseInteger('--seed', seed, 0, 2 ** 32 - 1) ?? 0;
}

/** @returns milliseconds */
export function durationOf(duration: string | undefined): number {
  return parseSeconds('--duration', duration, 0.1, 86_400) ?? Infinity;
}

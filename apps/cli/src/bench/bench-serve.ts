import { writeFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { InvalidOptionError, parseChoice, parseInteger, parseSeconds } from '@ringmesh/core';
import { seededRandom } from './arrivals.js';
import { baseUrlOf, type BenchServeOptions, durationOf, parseGoodput, scheduleOf, seedOf } from './bench-options.js';
import { benchTable } from './bench-table.js';
import { runLoad } from './load.js';
import { loadSvg } from './load-svg.js';
import { reportOf, samplesOf } from './metrics.js';
import { streamRequest, type Target } from './stream-request.js';

const WORDS = 'what is the sum of one two three four five and six seven eight nine ten then take half add more'.split(' ');
const MODELS_TIMEOUT_MS = 10_000;

/** `ringmesh bench serve`: load on any OpenAI-compatible API. The exit code is 1 where no request was answered. */
export async function benchServe(options: BenchServeOptions, signal: AbortSignal): Promise<void> {
  const limits = parseGoodput(options.goodput ?? []);
  const schedule = scheduleOf(options);
  const durationMs = durationOf(options.duration);
  const inputWords = parseInteger('--input-words', options.inputWords, 1, 100_000) ?? 64;
  const warmup = parseInteger('--warmup', options.warmup, 0, 100) ?? 1;
  const random = seededRandom(seedOf(options.seed));
  const prompt = (): string => Array.from({ length: inputWords }, () => WORDS[Math.floor(random() * WORDS.length)]!).join(' ');
  const target = await targetOf(options, signal);
  for (let index = 0; index < warmup; index++) await streamRequest(target, prompt(), performance.now(), signal);
  const loopDelay = monitorEventLoopDelay({ resolution: 1 });
  loopDelay.enable();
  const start = performance.now();
  const records = await runLoad(schedule, (_, dueAt) => streamRequest(target, prompt(), dueAt, signal), durationMs, signal);
  loopDelay.disable();
  const end = Math.max(start, ...records.map(({ endedAt }) => endedAt));
  const loopDelayP99Ms = loopDelay.percentile(99) / 1e6;
  const report = { model: target.model, ...reportOf(records, (end - start) / 1000, limits), loopDelayP99Ms };
  console.log(options.json === true ? JSON.stringify(report, null, 2) : benchTable(report));
  if (options.svg !== undefined)
    await writeSvg(
      options.svg,
      loadSvg(`${target.model}: ${report.completed} requests in ${report.seconds.toFixed(1)} s`, samplesOf(records)),
    );
  if (signal.aborted) process.exitCode = 130;
  else if (report.completed === 0) process.exitCode = 1;
}

async function writeSvg(file: string, svg: string): Promise<void> {
  await writeFile(file, svg).catch((error: unknown) => {
    throw new InvalidOptionError(`--svg: cannot write ${file}: ${(error as Error).message}`, { field: '--svg', cause: error });
  });
}

async function targetOf(options: BenchServeOptions, signal: AbortSignal): Promise<Target> {
  const apiKey = options.apiKey ?? process.env['OPENAI_API_KEY'];
  const headers = { 'content-type': 'application/json', ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}) };
  const baseUrl = baseUrlOf(options.url);
  const settings = {
    endpoint: parseChoice('--endpoint', options.endpoint, ['chat', 'completions']) ?? 'chat',
    outputTokens: parseInteger('--output-len', options.outputLen, 1, 32_768) ?? 128,
    timeoutMs: parseSeconds('--timeout', options.timeout, 0.1, 3600) ?? 600_000,
    ignoreEos: options.ignoreEos ?? false,
  };
  const models = await modelsOf(baseUrl, headers, signal);
  const model = options.model ?? models[0]!;
  if (!models.includes(model)) {
    throw new InvalidOptionError(`--model: the server has no ${JSON.stringify(model)}, but ${models.slice(0, 10).join(', ')}`, {
      field: '--model',
    });
  }
  return { baseUrl, headers, model, ...settings };
}

/** One at least. */
async function modelsOf(baseUrl: string, headers: Record<string, string>, signal: AbortSignal): Promise<string[]> {
  const url = `${baseUrl}/models`;
  const wrong = (what: string, cause?: unknown): InvalidOptionError =>
    new InvalidOptionError(`--url: GET ${url} ${what}`, { field: '--url', cause });
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: AbortSignal.any([signal, AbortSignal.timeout(MODELS_TIMEOUT_MS)]) });
  } catch (error) {
    throw wrong('cannot be reached: is the server running there?', error);
  }
  if (response.status === 401 || response.status === 403) {
    throw new InvalidOptionError(`--api-key: the server refused it with status ${response.status}`, { field: '--api-key' });
  }
  if (!response.ok) throw wrong(`answered with status ${response.status}: is it the base of an OpenAI-compatible API?`);
  const list = (await response.json().catch(() => null)) as { data?: { id?: unknown }[] } | null;
  const ids = Array.isArray(list?.data) ? list.data.map(({ id }) => id).filter((id) => typeof id === 'string') : [];
  if (ids.length === 0) throw wrong('lists no model');
  return ids;
}

import { writeFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { InvalidOptionError, parseChoice, parseInteger, parseSeconds } from '@ringmesh/core';
import { baseUrlOf, type BenchServeOptions, durationOf, minGoodputOf, parseGoodput, requestsOf, scheduleOf } from './bench-options.js';
import { benchTable } from './bench-table.js';
import { runLoad } from './load.js';
import { loadSvg } from './load-svg.js';
import { reportOf, samplesOf } from './metrics.js';
import { streamRequest, type Target } from './stream-request.js';

const MODELS_TIMEOUT_MS = 10_000;

/** `ringmesh bench serve`: load on any OpenAI-compatible API. The exit code is 1 where no request was answered, or too few as well as asked. */
export async function benchServe(options: BenchServeOptions, signal: AbortSignal): Promise<void> {
  const limits = parseGoodput(options.goodput ?? []);
  const minGoodput = minGoodputOf(options);
  const schedule = scheduleOf(options);
  const durationMs = durationOf(options.duration);
  const warmup = parseInteger('--warmup', options.warmup, 0, 100) ?? 1;
  const nextRequest = await requestsOf(options);
  const target = await targetOf(options, signal);
  for (let index = 0; index < warmup; index++) {
    const { error } = await streamRequest(target, nextRequest(), performance.now(), signal);
    if (error !== null) console.error(`warm-up: ${error}`);
  }
  const loopDelay = monitorEventLoopDelay({ resolution: 1 });
  loopDelay.enable();
  const start = performance.now();
  const records = await runLoad(schedule, (_, dueAt) => streamRequest(target, nextRequest(), dueAt, signal), durationMs, signal);
  loopDelay.disable();
  const end = Math.max(start, ...records.map(({ endedAt }) => endedAt));
  const loopDelayP99Ms = loopDelay.percentile(99) / 1e6;
  const report = { model: target.model, ...reportOf(records, (end - start) / 1000, limits), loopDelayP99Ms };
  console.log(options.json === true ? JSON.stringify(report, null, 2) : benchTable(report));
  if (options.svg !== undefined) {
    const title = `${target.model}: ${report.completed} requests in ${report.seconds.toFixed(1)} s`;
    await writeSvg(options.svg, loadSvg(title, samplesOf(records)));
  }
  if (signal.aborted) process.exitCode = 130;
  else if (report.completed === 0) process.exitCode = 1;
  else if (minGoodput !== undefined && report.goodputShare! < minGoodput) {
    console.error(
      `${(report.goodputShare! * 100).toFixed(1)} % of the requests kept the limits of --goodput: --min-goodput is ${minGoodput}`,
    );
    process.exitCode = 1;
  }
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
    timeoutMs: parseSeconds('--timeout', options.timeout, 0.1, 3600) ?? 600_000,
    ignoreEos: options.ignoreEos ?? false,
  };
  const models = await modelsOf(baseUrl, headers, signal);
  const model = options.model ?? models?.[0];
  if (model === undefined) throw new InvalidOptionError(`--model: ${baseUrl}/models lists none: say which one`, { field: '--model' });
  if (models !== null && !models.includes(model)) {
    throw new InvalidOptionError(`--model: the server has no ${JSON.stringify(model)}, but ${models.slice(0, 10).join(', ')}`, {
      field: '--model',
    });
  }
  return { baseUrl, headers, model, ...settings };
}

/** @returns null where the server has no such list */
async function modelsOf(baseUrl: string, headers: Record<string, string>, signal: AbortSignal): Promise<string[] | null> {
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
  if (response.status === 404 || response.status === 405) return null;
  if (!response.ok) throw wrong(`answered with status ${response.status}: is it the base of an OpenAI-compatible API?`);
  const list = (await response.json().catch(() => null)) as { data?: { id?: unknown }[] } | null;
  const ids = Array.isArray(list?.data) ? list.data.map(({ id }) => id).filter((id) => typeof id === 'string') : [];
  return ids.length === 0 ? null : ids;
}

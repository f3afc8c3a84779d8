/** `npm run bench -- --load`: what long prompts, or hostile schemas, cost the clients that stream from ring-nano meanwhile. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Distribution, distributionOf, type RequestRecord, runLoad, streamRequest, type Target } from '@ringmesh/cli';
import { parseInteger, table } from '@ringmesh/core';
import { RingmeshProcess } from '@ringmesh/testing';
import { lengthenedModel, promptOf } from '../lengthened-model.ts';
import { type Gap, gapsOf, within } from './gaps.ts';
import { refusals } from './hostile-schemas.ts';

const HELP = `npm run bench -- --load [options] [-- options of ringmesh serve]
  --streams <n>   clients that stream at once (16)
  --seconds <n>   how long each part takes at least (20)
  --prompt <n>    tokens of the prompts that come meanwhile, one after another (4000)
  --schemas       hostile schemas come meanwhile instead, one after another`;
/** ITL at p99 meanwhile, over that without: what must hold. */
const BAR = 3;
/** A hostile schema must be refused within this. */
const REFUSAL_BAR_MS = 1000;
const CONTEXT_TOKENS = 8192;
const STREAM_TOKENS = 700;

interface LoadPlan {
  streams: number;
  seconds: number;
  promptTokens: number;
  schemas: boolean;
}

const text = { type: 'string' } as const;
const { values, positionals } = parseArgs({
  options: {
    load: { type: 'boolean' },
    streams: text,
    seconds: text,
    prompt: text,
    schemas: { type: 'boolean' },
    help: { type: 'boolean' },
  },
  allowPositionals: true,
});
if (values.help === true) console.log(HELP);
else {
  const plan = {
    streams: parseInteger('--streams', values.streams, 1, 256) ?? 16,
    seconds: parseInteger('--seconds', values.seconds, 1, 3600) ?? 20,
    promptTokens: parseInteger('--prompt', values.prompt, 1, CONTEXT_TOKENS - 100) ?? 4000,
    schemas: values.schemas ?? false,
  };
  process.exitCode = (await bench(plan)) ? 0 : 1;
}

/** @returns whether the bar holds */
async function bench(plan: LoadPlan): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'ringmesh-bench-load-'));
  let serve: RingmeshProcess | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void serve?.kill('SIGKILL'); // its processes end with it
      rmSync(folder, { recursive: true, force: true });
      process.exit(130);
    });
  }
  try {
    serve = new RingmeshProcess(['serve', '--model', await lengthenedModel(folder, CONTEXT_TOKENS), '--port', '0', ...positionals]);
    const url = await serve.line(/ at (http:\S+)\/v1/);
    const longPrompt = await promptOf(plan.promptTokens, url);
    const disturb = (seconds: number): Promise<RequestRecord[]> =>
      plan.schemas ? refusals(url, seconds) : prompts(url, longPrompt, seconds);
    await Promise.all([stream(url, plan.streams, 2), disturb(2)]); // warm up
    const alone = gapsOf(await stream(url, plan.streams, plan.seconds));
    const [streams, meanwhile] = await Promise.all([stream(url, plan.streams, plan.seconds), disturb(plan.seconds)]);
    return report(plan, alone, within(gapsOf(streams), meanwhile), meanwhile);
  } finally {
    await serve?.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

function report({ streams, promptTokens, schemas }: LoadPlan, alone: Gap[], beside: Gap[], meanwhile: RequestRecord[]): boolean {
  const what = schemas ? 'hostile schemas' : `prompts of ${promptTokens} tokens`;
  const [before, during] = [alone, beside].map((gaps) => distributionOf(gaps.map(({ ms }) => ms))!) as [Distribution, Distribution];
  const times = meanwhile.map(({ sentAt, endedAt }) => endedAt - sentAt);
  const took = distributionOf(times)!;
  const row = (name: string, { p50, p90, p99 }: Distribution): string[] => [name, ...[p50, p90, p99].map((ms) => ms.toFixed(1))];
  console.log('\nring-nano, local experts; milliseconds\n');
  console.log(
    table([
      ['', 'p50', 'p90', 'p99'],
      row(`ITL of ${streams} streams`, before),
      row(`ITL while ${what} come`, during),
      row(`${meanwhile.length} ${what}, each`, took),
    ]),
  );
  const rise = during.p99 / before.p99;
  console.log(`\nITL at p99 rises ${rise.toFixed(2)} ×; bar ≤ ${BAR}: ${rise <= BAR ? 'holds' : 'MISSED'}`);
  if (!schemas) return rise <= BAR;
  const longest = Math.max(...times);
  console.log(
    `the longest refusal took ${longest.toFixed(0)} ms; bar ≤ ${REFUSAL_BAR_MS}: ${longest <= REFUSAL_BAR_MS ? 'holds' : 'MISSED'}`,
  );
  return rise <= BAR && longest <= REFUSAL_BAR_MS;
}

/** Clients that stream one answer after another. */
async function stream(url: string, clients: number, seconds: number): Promise<RequestRecord[]> {
  const send = (index: number, dueAt: number): Promise<RequestRecord> =>
    ask(url, { prompt: `What is ${index} + ${index + 7}? `, outputTokens: STREAM_TOKENS, dueAt });
  return complete(await runLoad({ concurrency: clients, count: Infinity }, send, seconds * 1000, new AbortController().signal));
}

/** Long prompts one after another, for one token; no prefix of one is that of another. */
async function prompts(url: string, longPrompt: string, seconds: number): Promise<RequestRecord[]> {
  const send = (index: number, dueAt: number): Promise<RequestRecord> =>
    ask(url, { prompt: `${seconds}, ${index}: ${longPrompt}`, outputTokens: 1, dueAt });
  return complete(await runLoad({ concurrency: 1, count: Infinity }, send, seconds * 1000, new AbortController().signal));
}

interface Ask {
  prompt: string;
  outputTokens: number;
  dueAt: number;
}

function ask(url: string, { prompt, outputTokens, dueAt }: Ask): Promise<RequestRecord> {
  const target: Target = {
    baseUrl: `${url}/v1`,
    endpoint: 'completions',
    model: 'ring-nano',
    headers: { 'content-type': 'application/json' },
    ignoreEos: true,
    timeoutMs: 600_000,
  };
  return streamRequest(target, { prompt: { prompt }, outputTokens }, dueAt, new AbortController().signal);
}

/** @throws Error where a request failed: the others would be measured beside fewer */
function complete(records: RequestRecord[]): RequestRecord[] {
  const failed = records.find(({ error }) => error !== null);
  if (failed !== undefined) throw new Error(`a request failed: ${failed.error}`);
  return records;
}

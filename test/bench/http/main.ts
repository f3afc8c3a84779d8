/** `npm run bench -- --http`: what clients of the HTTP API wait for beside the model, while many of them stream from ring-nano. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseInteger, table } from '@ringmesh/core';
import { RingmeshProcess } from '@ringmesh/testing';
import { runForJson } from '../child-process.ts';
import { lengthenedModel, promptOf } from '../lengthened-model.ts';
import type { ClientsOptions, ClientsResult } from './clients.ts';
import { delayQuantile, delaysBetween, readDelays, shareWithin } from './loop-delay.ts';
import type { ProbeOptions, ProbeResult } from './probe.ts';

const HELP = `npm run bench -- --http [options]
  --streams <n>   clients that stream at once (64)
  --seconds <n>   how long each part takes (20)`;
/** What must hold: the event loop's delay at p99, and the slowest answer of GET /health. */
const BARS = { delayMs: 20, healthMs: 100 };
const PROBE_INTERVAL_MS = 25;
const PROMPT_TOKENS = 4000;
const CONTEXT_TOKENS = 8192;
/** A line of the table that is printed. */
type Row = string[];

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { http: { type: 'boolean' }, streams: text, seconds: text, help: { type: 'boolean' } } });
if (values.help === true) console.log(HELP);
else await bench(parseInteger('--streams', values.streams, 1, 1024) ?? 64, parseInteger('--seconds', values.seconds, 1, 3600) ?? 20);

async function bench(streams: number, seconds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ringmesh-bench-http-'));
  let serve: RingmeshProcess | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void serve?.kill('SIGKILL'); // its processes end with it
      rmSync(folder, { recursive: true, force: true });
      process.exit(130);
    });
  }
  try {
    const packDir = await lengthenedModel(folder, CONTEXT_TOKENS);
    serve = new RingmeshProcess(['serve', '--model', packDir, '--port', '0']);
    const url = await serve.line(/ at (http:\S+)\/v1/);
    const longPrompt = await promptOf(PROMPT_TOKENS, url);
    await clients({ url, streams, seconds: 3, longPrompt }); // warm up
    const rows = [
      await measure('at rest', { url, streams: 0, seconds: Math.min(seconds, 5), longPrompt: undefined }),
      await measure(`${streams} streams`, { url, streams, seconds, longPrompt: undefined }),
      await measure(`and prompts of ${PROMPT_TOKENS}`, { url, streams, seconds, longPrompt }),
    ];
    const bars = `bars: event-loop delay ≤ ${BARS.delayMs} ms at p99, /health ≤ ${BARS.healthMs} ms always`;
    console.log(`\nring-nano, local experts; milliseconds; ${bars}\n`);
    console.log(
      table([
        ['', 'loop p50', 'p99', 'max', `≤ ${BARS.delayMs} ms`, '/health p50', 'p99', 'max', 'tokens/s', 'prompts', 'errors'],
        ...rows,
      ]),
    );
  } finally {
    await serve?.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(name: string, options: ClientsOptions): Promise<Row> {
  const { url, seconds } = options;
  const before = await readDelays(url);
  const [load, probe] = await Promise.all([clients(options), health({ url, seconds, intervalMs: PROBE_INTERVAL_MS })]);
  const delays = delaysBetween(before, await readDelays(url));
  const errors = [...load.errors, ...probe.errors];
  for (const error of new Set(errors)) console.error(`${name}: ${error}`);
  const priority = probe.hasPriority ? '' : ', without priority';
  console.error(`${name}: ${probe.answerMs.length} probes${priority}, the latest ${probe.ownDelayMs.toFixed(1)} ms late by itself`);
  const sorted = probe.answerMs.toSorted((a, b) => a - b);
  const answered = (share: number): string => sorted[Math.ceil(share * sorted.length) - 1]!.toFixed(1);
  return [
    name,
    ...[0.5, 0.99, 1].map((share) => `≤ ${delayQuantile(delays, share)}`),
    `${(shareWithin(delays, BARS.delayMs) * 100).toFixed(1)} %`,
    ...[0.5, 0.99, 1].map(answered),
    load.tokensPerSecond.toFixed(0),
    String(load.longPromptMs.length),
    String(errors.length),
  ];
}

async function clients(options: ClientsOptions): Promise<ClientsResult> {
  return (await runForJson('./http/clients.ts', [JSON.stringify(options)])) as ClientsResult;
}

async function health(options: ProbeOptions): Promise<ProbeResult> {
  return (await runForJson('./http/probe.ts', [JSON.stringify(options)])) as ProbeResult;
}

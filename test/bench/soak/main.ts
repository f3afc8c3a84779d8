/** `npm run bench -- --soak`: many streams of mixed length at once, for minutes: none fails, none is wrong, memory stays flat. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parseInteger } from '@ringmesh/core';
import { uniform } from '@ringmesh/sampler';
import { packedModel, RingmeshProcess, SAMPLE_MODEL } from '@ringmesh/testing';
import { readManifest } from '@ringmesh/weights';
import OpenAI from 'openai';
import { runForJson, startScript } from '../child-process.ts';
import { answersAlone } from './answers-alone.ts';
import type { SoakClientsOptions, SoakClientsResult } from './clients.ts';
import { samplesCsv, samplesSvg } from './curve.ts';
import { soakPrompts } from './prompts.ts';
import { report } from './report.ts';
import { metricOf, type Sample, takeSample } from './samples.ts';

const HELP = `npm run bench -- --soak [options]
  --streams <n>          clients that stream at once (1000)
  --seconds <n>          how long they do, each request after the other (600)
  --prompts <n>          different prompts (64)
  --abort <percent>      of the streams that their client leaves at a random moment (5)
  --killed-streams <n>   clients besides, in a process that is killed again and again (20)
  --workers <n>          worker processes; 0: the experts are in the router's process (0)
  --kv-cache-memory <s>  as of the router: so little that sequences are preempted (48MiB)
  --model <dir>          checkpoint (ring-nano)
  --curve <path>         write memory over time there, as PATH.csv and PATH.svg`;

const SAMPLE_MS = 1000;
/** A process of clients lives as long as this at most before it is killed. */
const MAX_LIFE_MS = 10_000;
/** How long after the last client all memory may still be in use. */
const MAX_SETTLE_MS = 10_000;

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    soak: { type: 'boolean' },
    streams: text,
    seconds: text,
    prompts: text,
    abort: text,
    'killed-streams': text,
    workers: text,
    'kv-cache-memory': text,
    model: text,
    curve: text,
    help: { type: 'boolean' },
  },
});
if (values.help === true) console.log(HELP);
else process.exitCode = (await soak()) ? 0 : 1;

/** @returns whether everything held */
async function soak(): Promise<boolean> {
  const streams = parseInteger('--streams', values.streams, 1, 10_000) ?? 1000;
  const seconds = parseInteger('--seconds', values.seconds, 3, 86_400) ?? 600;
  const abortPercent = parseInteger('--abort', values.abort, 0, 100) ?? 5;
  const killedStreams = parseInteger('--killed-streams', values['killed-streams'], 0, 1000) ?? 20;
  const numPrompts = parseInteger('--prompts', values.prompts, 1, 10_000) ?? 64;
  const packDir = await packedModel(values.model === undefined ? SAMPLE_MODEL : resolve(values.model));
  const { vocabSize, maxPositionEmbeddings } = (await readManifest(packDir)).config;
  let drawn = 0;
  const prompts = soakPrompts(numPrompts, vocabSize, maxPositionEmbeddings, () => uniform(0, drawn++));
  const args = ['serve', '--model', packDir, '--port', '0', '--workers', values.workers ?? '0'];
  const serve = new RingmeshProcess([...args, '--kv-cache-memory', values['kv-cache-memory'] ?? '48MiB', '--log-level', 'warn']);
  try {
    const url = await serve.line(/ at (http:\S+)\/v1/);
    const model = (await new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none' }).models.list()).data[0]!.id;
    const binding = await answersAlone(url, model, prompts);
    console.error(`${prompts.length} prompts answered alone: ${binding.flat().length} tokens are binding`);
    const options: SoakClientsOptions = { url, model, streams, seconds, prompts, binding, abortPercent };
    const samples: Sample[] = [];
    const start = performance.now();
    const over = new AbortController();
    const beside = Promise.all([
      takeSamples(samples, () => takeSample(url, serve.pid, start), over.signal),
      killedStreams === 0 ? 0 : killClients({ ...options, streams: killedStreams }, over.signal),
    ]);
    const clients = (await Promise.race([
      runForJson('./soak/clients.ts', [JSON.stringify(options)]),
      failing(beside),
    ])) as SoakClientsResult;
    over.abort();
    const [, killed] = await beside;
    const atEnd = await settled(() => takeSample(url, serve.pid, start));
    const preemptions = metricOf(await (await fetch(`${url}/metrics`)).text(), 'vllm:num_preemptions_total');
    if (values.curve !== undefined) {
      await writeFile(`${values.curve}.csv`, samplesCsv(samples));
      await writeFile(`${values.curve}.svg`, samplesSvg(samples));
    }
    const holds = report({ clients, killed, samples, atEnd, preemptions });
    return holds;
  } finally {
    await serve.kill();
  }
}

async function takeSamples(samples: Sample[], take: () => Promise<Sample>, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    samples.push(await take());
    await delay(SAMPLE_MS);
  }
}

/** Starts clients and kills them (SIGKILL) at a random moment, again and again. @returns how often */
async function killClients(options: SoakClientsOptions, over: AbortSignal): Promise<number> {
  let killed = 0;
  while (!over.aborted) {
    const clients = startScript('./soak/clients.ts', [JSON.stringify(options)]);
    await delay(uniform(2, killed++) * MAX_LIFE_MS);
    clients.kill('SIGKILL');
    await once(clients, 'close');
  }
  return killed;
}

/** Rejects where `work` does, and never resolves. */
async function failing(work: Promise<unknown>): Promise<never> {
  await work;
  return new Promise(() => undefined);
}

/** The first sample in which nothing is in use; after a while whatever there is. */
async function settled(take: () => Promise<Sample>): Promise<Sample> {
  const deadline = performance.now() + MAX_SETTLE_MS;
  for (;;) {
    const sample = await take();
    if ((sample.kvCacheUsage === 0 && sample.running + sample.waiting === 0) || performance.now() > deadline) return sample;
    await delay(100);
  }
}

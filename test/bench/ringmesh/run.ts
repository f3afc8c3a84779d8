/** Measures Ringmesh's engine. A process by itself: `node run.ts '<options as JSON>'` prints a {@link BenchResult}. */
import { readFileSync } from 'node:fs';
import { type EngineHandle, type KvCacheDtypeChoice, startEngine, type StepMetrics } from '@ringmesh/engine';
import { assignShards } from '@ringmesh/placement';
import { startWorker } from '@ringmesh/testing';
import { readManifest } from '@ringmesh/weights';
import { type BenchPlan, type BenchResult, decodeName, longestSequence, prefillName, promptIds, WARM_UP_STEPS } from '../measurement.ts';

export interface RingmeshRunOptions {
  packDir: string;
  /** Worker processes behind gRPC; 0: the experts are in this process. */
  workers: number;
  kvCacheDtype: KvCacheDtypeChoice;
  plan: BenchPlan;
}

interface TimedStep extends StepMetrics {
  /** When this process heard of it, in seconds. */
  at: number;
}

const { packDir, workers: numWorkers, kvCacheDtype, plan } = JSON.parse(process.argv[2]!) as RingmeshRunOptions;
const manifest = await readManifest(packDir);
const { vocabSize } = manifest.config;
const GREEDY = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };
const maxBatch = Math.max(1, ...plan.batches);

let onStep: (step: TimedStep) => void = () => undefined;
const threadsOfWorker = Math.max(1, Math.floor(plan.threads / numWorkers));
const workers = await Promise.all(
  assignShards(manifest.numShards, numWorkers).map((shards) =>
    startWorker(packDir, shards, '127.0.0.1:0', ['--threads', String(threadsOfWorker)]),
  ),
);
const engine = await openEngine();
const result: BenchResult = { tokensPerSecond: {}, loadSeconds: process.uptime(), residentBytes: 0, profile: {} };

await measurePrefill();
await measureDecode();
const processes = [process.pid, ...workers.map((worker) => worker.process.pid)];
result.residentBytes = processes.reduce((sum, pid) => sum + residentBytes(pid), 0);
console.log(JSON.stringify(result));
await engine.close();
await Promise.all(workers.map((worker) => worker.process.kill()));

async function openEngine(): Promise<EngineHandle> {
  const addresses = workers.map(({ address }) => address);
  const options = {
    packDir,
    workers: numWorkers === 0 ? ('local' as const) : addresses,
    threads: plan.threads,
    maxNumSeqs: maxBatch,
    maxModelLen: longestSequence(plan),
    kvCacheDtype,
    prefixCaching: false,
    speculation: 'off' as const, // steps of one token a sequence are what is measured
    profile: true,
  };
  const handle = await startEngine(options, {
    onStep: (step) => onStep({ ...step, at: performance.now() / 1000 }),
    onFatal: (error) => {
      throw error;
    },
  });
  await handle.whenReady();
  return handle;
}

/** A request that goes on until it is told to stop. @param onToken called at each token */
async function generate(id: string, tokens: number[], maxTokens: number, signal?: AbortSignal): Promise<void> {
  const request = { id, promptIds: tokens, sampling: GREEDY, maxTokens, stopTokenIds: [] };
  for await (const event of engine.generate(request, signal)) {
    if (event.type === 'failed') throw event.error;
  }
}

async function measurePrefill(): Promise<void> {
  if (plan.prefillRuns === 0) return;
  const seconds: number[] = [];
  for (let run = -1; run < plan.prefillRuns; run++) {
    // The first is for warming up, and shorter.
    const ids = promptIds(run < 0 ? 64 : plan.prefillTokens, run, vocabSize);
    const parts: Record<string, number>[] = [];
    onStep = ({ profile }) => parts.push(profile!);
    const start = performance.now();
    await generate(`prefill ${run}`, ids, 1);
    if (run < 0) continue;
    seconds.push((performance.now() - start) / 1000);
    result.profile[prefillName(plan.prefillTokens)] = meanMilliseconds(parts);
  }
  result.tokensPerSecond[prefillName(plan.prefillTokens)] = seconds.map((each) => plan.prefillTokens / each);
}

async function measureDecode(): Promise<void> {
  const running = Array.from({ length: maxBatch }, (_, index) => {
    const stop = new AbortController();
    const maxTokens = engine.maxModelLen - plan.contextTokens;
    return { stop, ended: generate(`decode ${index}`, promptIds(plan.contextTokens, index, vocabSize), maxTokens, stop.signal) };
  });
  for (const batch of plan.batches) {
    for (const { stop } of running.slice(batch)) stop.abort();
    const failed = Promise.all(running.slice(0, batch).map(({ ended }) => ended)).then(() => {
      throw new Error('a sequence ended before it was measured');
    });
    const steps = (await Promise.race([decodeSteps(batch), failed])).slice(WARM_UP_STEPS);
    const seconds = steps.at(-1)!.at - steps[0]!.at;
    result.tokensPerSecond[decodeName(batch)] = [((steps.length - 1) * batch) / seconds];
    result.profile[decodeName(batch)] = meanMilliseconds(steps.map(({ profile }) => profile!));
  }
  for (const { stop } of running) stop.abort();
}

/** The next steps that decode a token of each of `batch` sequences and nothing else. */
function decodeSteps(batch: number): Promise<TimedStep[]> {
  const { promise, resolve } = Promise.withResolvers<TimedStep[]>();
  const steps: TimedStep[] = [];
  onStep = (step) => {
    if (step.numTokens === batch && step.numSampled === batch) steps.push(step);
    if (steps.length > WARM_UP_STEPS + plan.decodeSteps) resolve(steps);
  };
  return promise;
}

/** The mean of each part, in milliseconds. */
function meanMilliseconds(parts: Record<string, number>[]): Record<string, number> {
  const names = Object.keys(parts[0]!);
  return Object.fromEntries(names.map((name) => [name, (parts.reduce((sum, part) => sum + part[name]!, 0) / parts.length) * 1000]));
}

/** Without what is only mapped and may be dropped at any time. */
function residentBytes(pid: number): number {
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

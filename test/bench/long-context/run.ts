/** Measures one model at two contexts in turn. A process by itself: `node run.ts '<options as JSON>'` prints a {@link LongContextResult}. */
import { availableParallelism } from 'node:os';
import { type EngineHandle, type KvCacheDtypeChoice, startEngine, type StepMetrics } from '@ringmesh/engine';
import { readManifest } from '@ringmesh/weights';
import { promptIds, WARM_UP_STEPS } from '../measurement.ts';

export interface LongContextOptions {
  packDir: string;
  kvCacheDtype: KvCacheDtypeChoice;
  /** Tokens before the first decoded one; measured one after the other, again and again. */
  contexts: number[];
  rounds: number;
  decodeSteps: number;
  /** Tokens of the prompt that is prefilled. */
  prefillTokens: number;
}

export interface LongContextResult {
  /** Of each context and round, a decoded token's milliseconds. */
  decodeMs: number[][]; // [contexts][rounds]
  prefillTokensPerSecond: number;
}

const { packDir, kvCacheDtype, contexts, rounds, decodeSteps, prefillTokens } = JSON.parse(process.argv[2]!) as LongContextOptions;
const { vocabSize } = (await readManifest(packDir)).config;
const GREEDY = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };
const STEPS = WARM_UP_STEPS + decodeSteps + 1;
let onStep: (step: StepMetrics) => void = () => undefined;
let numRequests = 0;

const engine = await openEngine();
await generate(promptIds(64, -1, vocabSize), 1); // warms up
const start = performance.now();
await generate(promptIds(prefillTokens, -2, vocabSize), 1);
const prefillTokensPerSecond = (prefillTokens * 1000) / (performance.now() - start);
const decodeMs: number[][] = contexts.map(() => []);
for (let round = 0; round < rounds; round++) {
  for (const [index, context] of contexts.entries()) decodeMs[index]!.push(await decode(context, index));
}
console.log(JSON.stringify({ decodeMs, prefillTokensPerSecond } satisfies LongContextResult));
await engine.close();

/** The prefix cache computes each context once: what decodes after it is the same, and there is no time between the two for the machine to change. */
async function openEngine(): Promise<EngineHandle> {
  const options = {
    packDir,
    workers: 'local' as const,
    threads: availableParallelism(),
    maxNumSeqs: 1,
    maxModelLen: Math.max(prefillTokens, ...contexts) + 1 + STEPS + 1,
    kvCacheBytes: 2 ** 32,
    kvCacheDtype,
  };
  const handle = await startEngine(options, {
    onStep: (step) => onStep(step),
    onFatal: (error) => {
      throw error;
    },
  });
  await handle.whenReady();
  return handle;
}

async function generate(tokens: number[], maxTokens: number): Promise<void> {
  const request = { id: `${numRequests++}`, promptIds: tokens, sampling: GREEDY, maxTokens, stopTokenIds: [] };
  for await (const event of engine.generate(request)) if (event.type === 'failed') throw event.error;
}

/** @returns milliseconds of a decoded token */
async function decode(context: number, sequence: number): Promise<number> {
  const steps: number[] = [];
  onStep = ({ numTokens, numSampled, seconds }) => {
    if (numTokens === 1 && numSampled === 1) steps.push(seconds * 1000);
  };
  // One token after whole blocks is all that has to be computed of a prompt that was seen before. Without it, it is a block, which after 32,768 tokens
  // takes seconds, and the machine is another one.
  await generate(promptIds(context + 1, sequence, vocabSize), STEPS);
  const counted = steps.slice(WARM_UP_STEPS);
  return counted.reduce((sum, ms) => sum + ms, 0) / counted.length;
}

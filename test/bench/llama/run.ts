/** Measures node-llama-cpp. A process by itself: `node run.ts '<options as JSON>'` prints a {@link BenchResult}. */
import { join } from 'node:path';
import { type BenchPlan, type BenchResult, decodeName, longestSequence, prefillName, promptIds, WARM_UP_STEPS } from '../measurement.ts';

export interface LlamaRunOptions {
  ggufPath: string;
  vocabSize: number;
  plan: BenchPlan;
}

/** What is used of node-llama-cpp 3.22, which is not among the repository's dependencies. */
interface Llama {
  loadModel(options: {
    modelPath: string;
    gpuLayers: number;
    useMmap: boolean;
  }): Promise<{ createContext(options: object): Promise<Context> }>;
}
interface Context {
  getSequence(): Sequence;
  dispose(): Promise<void>;
}
interface Sequence {
  evaluate(tokens: number[], options: { temperature: number; yieldEogToken: boolean }): AsyncGenerator<number, void>;
  clearHistory(): Promise<void>;
}

const { ggufPath, vocabSize, plan } = JSON.parse(process.argv[2]!) as LlamaRunOptions;
/** The greedy token, and no end before we stop. */
const GREEDY = { temperature: 0, yieldEogToken: true };

const { getLlama } = (await import(join(import.meta.dirname, 'node_modules/node-llama-cpp/dist/index.js'))) as {
  getLlama: (options: object) => Promise<Llama>;
};
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: plan.threads, logLevel: 'error', progressLogs: false });
// Mapped files and the copies that llama.cpp's CPU kernels make of them would take twice the memory.
const model = await llama.loadModel({ modelPath: ggufPath, gpuLayers: 0, useMmap: false });
const maxBatch = Math.max(1, ...plan.batches);
const context = await model.createContext({
  contextSize: longestSequence(plan),
  sequences: maxBatch,
  batchSize: 512,
  threads: { ideal: plan.threads, min: plan.threads },
});
const sequences = Array.from({ length: maxBatch }, () => context.getSequence());
const result: BenchResult = { tokensPerSecond: {}, loadSeconds: process.uptime(), residentBytes: 0, profile: {} };

await measurePrefill();
await measureDecode();
result.residentBytes = process.memoryUsage.rss();
console.log(JSON.stringify(result));
process.exit();

async function measurePrefill(): Promise<void> {
  const seconds: number[] = [];
  for (let run = -1; run < plan.prefillRuns; run++) {
    // The first is for warming up, and shorter.
    const ids = promptIds(run < 0 ? 64 : plan.prefillTokens, run, vocabSize);
    const start = performance.now();
    await sequences[0]!.evaluate(ids, GREEDY).next();
    if (run >= 0) seconds.push((performance.now() - start) / 1000);
    await sequences[0]!.clearHistory();
  }
  result.tokensPerSecond[prefillName(plan.prefillTokens)] = seconds.map((each) => plan.prefillTokens / each);
}

async function measureDecode(): Promise<void> {
  let running = sequences.map((sequence, index) => sequence.evaluate(promptIds(plan.contextTokens, index, vocabSize), GREEDY));
  const step = async (): Promise<void> => {
    const tokens = await Promise.all(running.map((tokens) => tokens.next()));
    if (tokens.some(({ done }) => done)) throw new Error('node-llama-cpp ended a sequence');
  };
  for (const batch of plan.batches) {
    await Promise.all(running.slice(batch).map((tokens) => tokens.return()));
    running = running.slice(0, batch);
    for (let i = 0; i < WARM_UP_STEPS; i++) await step();
    const start = performance.now();
    for (let i = 0; i < plan.decodeSteps; i++) await step();
    result.tokensPerSecond[decodeName(batch)] = [(batch * plan.decodeSteps * 1000) / (performance.now() - start)];
  }
}

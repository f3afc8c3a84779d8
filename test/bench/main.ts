/** `npm run bench`: Ringmesh and node-llama-cpp side by side, on models of the same shape. */
import { writeFile } from 'node:fs/promises';
import { type KvCacheDtypeChoice, kvCacheDtypeOf } from '@ringmesh/engine';
import { cacheLayout } from '@ringmesh/model';
import { readManifest } from '@ringmesh/weights';
import { activeBytes } from './active-bytes.ts';
import { runForJson } from './child-process.ts';
import { ensureNodeLlamaCpp } from './llama/install.ts';
import { type BenchPlan, type BenchResult, decodeName, prefillName } from './measurement.ts';
import { type BenchModels, ensureModels } from './models.ts';
import { type BenchOptions, type EngineName, HELP, parseOptions } from './options.ts';
import { report, type Round } from './report.ts';

const options = parseOptions(process.argv.slice(2));
if (options === 'help') console.log(HELP);
else await bench(options);

async function bench(options: BenchOptions): Promise<void> {
  const { engines, threads } = options;
  const withPeer = engines.includes('node-llama-cpp');
  const models = await ensureModels(options.shape, options.layers, options.cacheDir, withPeer);
  if (withPeer) ensureNodeLlamaCpp();
  const plan: BenchPlan = {
    batches: options.measures.includes('decode') ? options.batches : [],
    contextTokens: options.contextTokens,
    decodeSteps: 24,
    prefillTokens: options.prefillTokens,
    prefillRuns: options.measures.includes('prefill') ? 2 : 0,
    threads,
  };
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    rounds.push(await measureRound(index, options, models, plan));
    console.error(`round ${index + 1} of ${options.rounds} is done`);
  }
  const { config, quantization } = await readManifest(models.packDir);
  const measures = [...plan.batches.toReversed().map(decodeName), ...(plan.prefillRuns > 0 ? [prefillName(plan.prefillTokens)] : [])];
  const summary = { engines, measures, numLayers: config.numLayers, activeBytes: await activeBytes(models.packDir) };
  console.log(`\n${options.shape}, ${config.numLayers} layers, ${threads} threads, context ${plan.contextTokens} and up\n`);
  console.log(report(rounds, summary));
  const kept = cacheLayout(config, kvCacheDtypeOf(options.kvCacheDtype, quantization)).sequenceBytes(plan.contextTokens);
  console.log(`\na sequence of ${plan.contextTokens} tokens keeps ${(kept / 1e6).toFixed(0)} MB`);
  if (options.json !== undefined) await writeFile(options.json, JSON.stringify({ options, plan, summary, rounds }, null, 2));
}

/** Every engine once, each round another one first. One process at a time: two would not fit into memory, and would share the cores. */
async function measureRound(index: number, { engines, kvCacheDtype }: BenchOptions, models: BenchModels, plan: BenchPlan): Promise<Round> {
  const bandwidth = (await runForJson('./bandwidth/run.ts', [String(plan.threads)])) as number[];
  const first = index % engines.length;
  const results: Round['results'] = {};
  for (const engine of [...engines.slice(first), ...engines.slice(0, first)])
    results[engine] = await measure(engine, models, plan, kvCacheDtype);
  return { bandwidth, results };
}

async function measure(
  engine: EngineName,
  { packDir, ggufPath, vocabSize }: BenchModels,
  plan: BenchPlan,
  kvCacheDtype: KvCacheDtypeChoice,
): Promise<BenchResult> {
  const isPeer = engine === 'node-llama-cpp';
  const options = isPeer ? { ggufPath, vocabSize, plan } : { packDir, workers: engine === 'grpc' ? 2 : 0, kvCacheDtype, plan };
  const result = await runForJson(isPeer ? './llama/run.ts' : './ringmesh/run.ts', [JSON.stringify(options)]);
  return result as BenchResult;
}

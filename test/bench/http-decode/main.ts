/** `npm run bench -- --http-decode`: what of the engine's decode throughput arrives at clients of the HTTP API. */
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultCacheDir, parseInteger, table } from '@ringmesh/core';
import { RingmeshProcess } from '@ringmesh/testing';
import OpenAI from 'openai';
import { runForJson } from '../child-process.ts';
import { type BenchPlan, type BenchResult, decodeName } from '../measurement.ts';
import { type BenchModels, ensureModels } from '../models.ts';
import { showSpread, spreadOf } from '../statistics.ts';
import type { DecodeClientsOptions } from './clients.ts';

const HELP = `npm run bench -- --http-decode [options]
  --shape <name>   model's shape, as of npm run bench (ring-lite)
  --layers <n>     of so many layers (the shape's own)
  --streams <n>    sequences that decode at once (16)
  --context <n>    tokens of each prompt (100)
  --rounds <n>     each measures the engine and the server, in turn (3)
  --cache <dir>    where models are kept (RINGMESH_CACHE_DIR/bench)`;

/** What must hold: tokens a second over HTTP, of the engine's by itself. */
const BAR = 0.95;
const DECODE_STEPS = 24;
/** While streams decode, prompts come in little by little: the first streams are far ahead when the last one begins. */
const MAX_TOKENS = 1000;

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    'http-decode': { type: 'boolean' },
    shape: text,
    layers: text,
    streams: text,
    context: text,
    rounds: text,
    cache: text,
    help: { type: 'boolean' },
  },
});
if (values.help === true) console.log(HELP);
else process.exitCode = (await bench()) ? 0 : 1;

/** One process at a time: two would not fit into memory, and would share the cores. @returns whether the bar holds */
async function bench(): Promise<boolean> {
  const shape = values.shape ?? 'ring-lite';
  const streams = parseInteger('--streams', values.streams, 1, 256) ?? 16;
  const contextTokens = parseInteger('--context', values.context, 1, 2 ** 20) ?? 100;
  const rounds = parseInteger('--rounds', values.rounds, 1, 100) ?? 3;
  const layers = parseInteger('--layers', values.layers, 1, 1024);
  const models = await ensureModels(shape, layers, resolve(values.cache ?? join(defaultCacheDir(), 'bench')), false);
  const threads = availableParallelism();
  const plan: BenchPlan = { batches: [streams], contextTokens, decodeSteps: DECODE_STEPS, prefillTokens: 1, prefillRuns: 0, threads };
  const measures = { engine: [] as number[], http: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const both = [async () => measures.engine.push(await engine(models, plan)), async () => measures.http.push(await http(models, plan))];
    for (const measure of round % 2 === 0 ? both : both.reverse()) await measure();
    console.error(`round ${round + 1}: engine ${measures.engine[round]!.toFixed(1)}, HTTP ${measures.http[round]!.toFixed(1)} tokens/s`);
  }
  const ratio = spreadOf(measures.http.map((rate, round) => rate / measures.engine[round]!));
  console.log(`\n${shape}, ${layers ?? 'all'} layers, ${streams} sequences, context ${contextTokens} and up; tokens/s, median (min–max)\n`);
  console.log(
    table([
      ['engine', 'HTTP', 'ratio'],
      [showSpread(spreadOf(measures.engine), 1), showSpread(spreadOf(measures.http), 1), showSpread(ratio, 3)],
    ]),
  );
  const holds = ratio.median >= BAR;
  console.log(`\n${holds ? 'ok' : 'MISSED'}: the ratio is to be at least ${BAR}`);
  return holds;
}

async function engine({ packDir }: BenchModels, plan: BenchPlan): Promise<number> {
  const options = { packDir, workers: 0, kvCacheDtype: 'auto', plan };
  const { tokensPerSecond } = (await runForJson('./ringmesh/run.ts', [JSON.stringify(options)])) as BenchResult;
  return tokensPerSecond[decodeName(plan.batches[0]!)]![0]!;
}

async function http({ packDir, vocabSize }: BenchModels, plan: BenchPlan): Promise<number> {
  const serve = new RingmeshProcess(['serve', '--model', packDir, '--port', '0', '--workers', '0', '--log-level', 'warn']);
  try {
    const url = await serve.line(/ at (http:\S+)\/v1/);
    const model = (await new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none' }).models.list()).data[0]!.id;
    const { contextTokens, decodeSteps } = plan;
    const options: DecodeClientsOptions = {
      url,
      model,
      vocabSize,
      streams: plan.batches[0]!,
      contextTokens,
      decodeSteps,
      maxTokens: MAX_TOKENS,
    };
    return (await runForJson('./http-decode/clients.ts', [JSON.stringify(options)])) as number;
  } finally {
    await serve.kill();
  }
}

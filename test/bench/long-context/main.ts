/** `npm run bench -- --long-context`: what a long context costs in Ring-lite-linear, and in Ring-lite beside it. Each is measured in a process of its own. */
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultCacheDir, parseChoice, parseInteger, table } from '@ringmesh/core';
import { KV_CACHE_DTYPE_CHOICES, type KvCacheDtypeChoice, kvCacheDtypeOf } from '@ringmesh/engine';
import { KvCachePool } from '@ringmesh/kv-cache';
import { cacheLayout } from '@ringmesh/model';
import { readManifest } from '@ringmesh/weights';
import { runForJson } from '../child-process.ts';
import { type BenchPlan, type BenchResult, decodeName, prefillName } from '../measurement.ts';
import { type BenchModels, ensureModels } from '../models.ts';
import { showSpread, spreadOf } from '../statistics.ts';

const HELP = `npm run bench -- --long-context [options]
  --layers <n>                a shallower model, for a quick look (the shape's own)
  --rounds <n>                how often everything is measured (1; a round of the whole models takes 25 minutes, most of it to reach the long context)
  --short <n>                 tokens of the short context (128)
  --long <n>                  tokens of the long one (32768)
  --prefill <n>               tokens of the prompt (8192)
  --kv-cache-dtype <format>   auto, float32 or int8 (auto)
  --cache <dir>               where the models are kept: 9 GB each (the cache folder)`;

/** What must hold: long against short context, and Ring-lite-linear against Ring-lite. */
const BARS = { decodeCost: 1.3, memory: 0.35, prefill: 1 };
const SHAPES = ['ring-lite-linear', 'ring-lite'] as const;
type Shape = (typeof SHAPES)[number];

interface Sizes {
  short: number;
  long: number;
  prefill: number;
}

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    'long-context': { type: 'boolean' },
    'kv-cache-dtype': text,
    layers: text,
    rounds: text,
    short: text,
    long: text,
    prefill: text,
    cache: text,
    help: { type: 'boolean' },
  },
});
if (values.help === true) console.log(HELP);
else process.exitCode = (await bench()) ? 0 : 1;

/** @returns whether the bars hold */
async function bench(): Promise<boolean> {
  const tokens = (option: string, value: string | undefined): number | undefined => parseInteger(option, value, 1, 2 ** 20);
  const sizes: Sizes = {
    short: tokens('--short', values.short) ?? 128,
    long: tokens('--long', values.long) ?? 32_768,
    prefill: tokens('--prefill', values.prefill) ?? 8192,
  };
  const rounds = parseInteger('--rounds', values.rounds, 1, 100) ?? 1;
  const layers = parseInteger('--layers', values.layers, 1, 1024);
  const dtype = parseChoice('--kv-cache-dtype', values['kv-cache-dtype'], KV_CACHE_DTYPE_CHOICES) ?? 'auto';
  const cacheDir = resolve(values.cache ?? join(defaultCacheDir(), 'bench'));
  const models = {} as Record<Shape, BenchModels>;
  for (const shape of SHAPES) models[shape] = await ensureModels(shape, layers, cacheDir, false);

  const decode = { 'ring-lite-linear': [], 'ring-lite': [] } as Record<Shape, number[]>; // tokens/s, short context
  const prefill = { 'ring-lite-linear': [], 'ring-lite': [] } as Record<Shape, number[]>; // tokens/s
  const decodeLong: number[] = []; // tokens/s
  for (let round = 0; round < rounds; round++) {
    for (const shape of round % 2 === 0 ? SHAPES : SHAPES.toReversed()) {
      const short = await measure(shape, models[shape], dtype, {
        contextTokens: sizes.short,
        prefillTokens: sizes.prefill,
        prefillRuns: 1,
      });
      decode[shape].push(short[decodeName(1)]![0]!);
      prefill[shape].push(short[prefillName(sizes.prefill)]![0]!);
      if (shape === 'ring-lite') continue;
      const long = await measure(shape, models[shape], dtype, { contextTokens: sizes.long, prefillTokens: 1, prefillRuns: 0 });
      decodeLong.push(long[decodeName(1)]![0]!);
    }
  }
  const memory = await Promise.all(SHAPES.map((shape) => sequenceBytes(models[shape].packDir, dtype, sizes.long)));
  return show(sizes, dtype, { decode, decodeLong, prefill, memory });
}

interface Figures {
  decode: Record<Shape, number[]>; // [rounds] tokens/s
  decodeLong: number[]; // [rounds] tokens/s
  prefill: Record<Shape, number[]>; // [rounds] tokens/s
  memory: number[]; // [shapes] bytes
}

function show(
  { short, long, prefill: prompt }: Sizes,
  dtype: KvCacheDtypeChoice,
  { decode, decodeLong, prefill, memory }: Figures,
): boolean {
  const speed = (speeds: number[]): string => showSpread(spreadOf(speeds), 1);
  const ratios = (above: number[], below: number[]): number[] => above.map((value, round) => value / below[round]!);
  const cost = ratios(decode['ring-lite-linear'], decodeLong);
  const faster = ratios(prefill['ring-lite-linear'], prefill['ring-lite']);
  const size = memory[0]! / memory[1]!;
  const bytes = memory.map((each) => `${(each / 1e6).toFixed(0)} MB`);
  console.log(`\nkeys and values: ${dtype}; tokens/s: median (min–max)\n`);
  console.log(
    table([
      ['', ...SHAPES, 'ratio', 'bar'],
      [`decode 1, context ${short}`, ...SHAPES.map((shape) => speed(decode[shape])), '', ''],
      [`decode 1, context ${long}`, speed(decodeLong), '', `${showSpread(spreadOf(cost), 2)} of the time`, `≤ ${BARS.decodeCost}`],
      [`a sequence of ${long}`, ...bytes, size.toFixed(2), `≤ ${BARS.memory}`],
      [`prefill ${prompt}`, ...SHAPES.map((shape) => speed(prefill[shape])), showSpread(spreadOf(faster), 2), `≥ ${BARS.prefill}`],
    ]),
  );
  const holds = spreadOf(cost).median <= BARS.decodeCost && size <= BARS.memory && spreadOf(faster).median >= BARS.prefill;
  if (!holds) console.error('a bar is missed');
  return holds;
}

async function measure(
  shape: Shape,
  { packDir }: BenchModels,
  kvCacheDtype: KvCacheDtypeChoice,
  sizes: Pick<BenchPlan, 'contextTokens' | 'prefillTokens' | 'prefillRuns'>,
): Promise<BenchResult['tokensPerSecond']> {
  const plan: BenchPlan = { ...sizes, batches: [1], decodeSteps: 32, threads: availableParallelism() };
  const result = (await runForJson('./ringmesh/run.ts', [JSON.stringify({ packDir, workers: 0, kvCacheDtype, plan })])) as BenchResult;
  const speeds = Object.entries(result.tokensPerSecond).map(([name, [speed]]) => `${name} ${speed!.toFixed(1)} tokens/s`);
  console.error(`${shape}, context ${sizes.contextTokens}: ${speeds.join(', ')}`);
  return result.tokensPerSecond;
}

async function sequenceBytes(packDir: string, choice: KvCacheDtypeChoice, numTokens: number): Promise<number> {
  const { config, quantization } = await readManifest(packDir);
  return new KvCachePool(cacheLayout(config, kvCacheDtypeOf(choice, quantization)), 0).sequenceBytes(numTokens);
}

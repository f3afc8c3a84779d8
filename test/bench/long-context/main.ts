/** `npm run bench -- --long-context`: what a long context costs in Ring-lite-linear, and in Ring-lite beside it. Each is measured in a process of its own. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultCacheDir, parseChoice, parseInteger, table } from '@ringmesh/core';
import { KV_CACHE_DTYPE_CHOICES, type KvCacheDtypeChoice, kvCacheDtypeOf } from '@ringmesh/engine';
import { cacheLayout } from '@ringmesh/model';
import { readManifest } from '@ringmesh/weights';
import { runForJson } from '../child-process.ts';
import { type BenchModels, ensureModels } from '../models.ts';
import { showSpread, spreadOf } from '../statistics.ts';
import type { LongContextOptions, LongContextResult } from './run.ts';

const HELP = `npm run bench -- --long-context [options]
  --layers <n>                a shallower model, for a quick look (the shape's own)
  --rounds <n>                how often the two contexts are measured, in turn (8)
  --short <n>                 tokens of the short context (128)
  --long <n>                  tokens of the long one (32768; of the whole models, computing it takes 10 to 20 minutes)
  --prefill <n>               tokens of the prompt (8192)
  --kv-cache-dtype <format>   auto, float32 or int8 (auto)
  --cache <dir>               where the models are kept: 9 GB each (the cache folder)`;

/** What must hold: long against short context, and Ring-lite-linear against Ring-lite. */
const BARS = { decodeCost: 1.3, memory: 0.35, prefill: 1 };
const DECODE_STEPS = 32;
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
  const rounds = parseInteger('--rounds', values.rounds, 1, 100) ?? 8;
  const layers = parseInteger('--layers', values.layers, 1, 1024);
  const dtype = parseChoice('--kv-cache-dtype', values['kv-cache-dtype'], KV_CACHE_DTYPE_CHOICES) ?? 'auto';
  const cacheDir = resolve(values.cache ?? join(defaultCacheDir(), 'bench'));
  const models = {} as Record<Shape, BenchModels>;
  for (const shape of SHAPES) models[shape] = await ensureModels(shape, layers, cacheDir, false);

  const results = {} as Record<Shape, LongContextResult>;
  for (const shape of SHAPES) {
    const { packDir } = models[shape];
    // A long context of Ring-lite has no bar, and would take as long again.
    const contexts = shape === 'ring-lite-linear' ? [sizes.short, sizes.long] : [sizes.short];
    results[shape] = await measure(shape, {
      packDir,
      kvCacheDtype: dtype,
      contexts,
      rounds,
      decodeSteps: DECODE_STEPS,
      prefillTokens: sizes.prefill,
    });
  }
  const memory = await Promise.all(SHAPES.map((shape) => sequenceBytes(models[shape].packDir, dtype, sizes.long)));
  return show(sizes, dtype, results, memory);
}

/** @param memory [shapes] bytes */
function show(
  { short, long, prefill: prompt }: Sizes,
  dtype: KvCacheDtypeChoice,
  results: Record<Shape, LongContextResult>,
  memory: number[],
): boolean {
  const [ofLinear, ofLite] = SHAPES.map((shape) => results[shape]) as [LongContextResult, LongContextResult];
  const [shortMs, longMs] = ofLinear.decodeMs as [number[], number[]];
  const show = (ms: number[]): string => `${showSpread(spreadOf(ms), 1)} ms`;
  const cost = spreadOf(longMs.map((ms, round) => ms / shortMs[round]!));
  const faster = ofLinear.prefillTokensPerSecond / ofLite.prefillTokensPerSecond;
  const size = memory[0]! / memory[1]!;
  const prefill = [ofLinear, ofLite].map(({ prefillTokensPerSecond }) => `${prefillTokensPerSecond.toFixed(1)} tokens/s`);
  console.log(
    `\nkeys and values: ${dtype}; a decoded token's time, median (min–max) of the rounds; each round's ratio, in which the two follow each other\n`,
  );
  console.log(
    table([
      ['', ...SHAPES, 'ratio', 'bar'],
      [`decode 1, context ${short}`, show(shortMs), show(ofLite.decodeMs[0]!), '', ''],
      [`decode 1, context ${long}`, show(longMs), '', showSpread(cost, 2), `≤ ${BARS.decodeCost}`],
      [`a sequence of ${long}`, ...memory.map((each) => `${(each / 1e6).toFixed(0)} MB`), size.toFixed(2), `≤ ${BARS.memory}`],
      [`prefill ${prompt}`, ...prefill, faster.toFixed(2), `≥ ${BARS.prefill}`],
    ]),
  );
  const holds = cost.median <= BARS.decodeCost && size <= BARS.memory && faster >= BARS.prefill;
  if (!holds) console.error('a bar is missed');
  return holds;
}

async function measure(shape: Shape, options: LongContextOptions): Promise<LongContextResult> {
  const result = (await runForJson('./long-context/run.ts', [JSON.stringify(options)])) as LongContextResult;
  const decoded = options.contexts.map(
    (context, index) => `decode at ${context}: ${result.decodeMs[index]!.map((ms) => ms.toFixed(1)).join(', ')} ms`,
  );
  console.error(`${shape}: prefill ${options.prefillTokens}: ${result.prefillTokensPerSecond.toFixed(1)} tokens/s, ${decoded.join('; ')}`);
  return result;
}

async function sequenceBytes(packDir: string, choice: KvCacheDtypeChoice, numTokens: number): Promise<number> {
  const { config, quantization } = await readManifest(packDir);
  return cacheLayout(config, kvCacheDtypeOf(choice, quantization)).sequenceBytes(numTokens);
}

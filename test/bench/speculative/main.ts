/** `npm run bench -- --speculative`: decode with guessed tokens and without, of texts that repeat themselves and of such that do not. */
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultCacheDir, parseInteger, table } from '@ringmesh/core';
import { SPECULATION_MODES, type SpeculationMode } from '@ringmesh/engine';
import { runForJson } from '../child-process.ts';
import { ensureModels } from '../models.ts';
import { showSpread, spreadOf } from '../statistics.ts';
import type { SpeculativeResult, SpeculativeRunOptions } from './run.ts';

const HELP = `npm run bench -- --speculative [options]
  --shape <shape>    ring-lite, ring-lite-linear or the path of a config.json (ring-lite)
  --layers <n>       a shallower model, for a quick look (the shape's own)
  --model <dir>      a pack instead
  --rounds <n>       how often each setting is measured, in turn (3)
  --tokens <list>    guessed tokens of a step, at most (8)
  --batches <list>   sequences that decode at once (1,4)
  --threads <n>      compute threads (the number of cores)
  --cache <dir>      where models are kept (the cache folder)`;

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    speculative: { type: 'boolean' },
    shape: text,
    layers: text,
    model: text,
    rounds: text,
    tokens: text,
    batches: text,
    threads: text,
    cache: text,
    help: { type: 'boolean' },
  },
});
if (values.help === true) console.log(HELP);
else await bench();

interface Setting {
  name: string;
  mode: SpeculationMode;
  numTokens: number;
}

async function bench(): Promise<void> {
  const batches = parseList('--batches', values.batches ?? '1,4', 64);
  const tokens = parseList('--tokens', values.tokens ?? '8', 15);
  const rounds = parseInteger('--rounds', values.rounds, 1, 100) ?? 3;
  const threads = parseInteger('--threads', values.threads, 1, 256) ?? availableParallelism();
  const packDir = await packOf();
  const settings: Setting[] = SPECULATION_MODES.flatMap((mode) =>
    (mode === 'off' ? [1] : tokens).map((numTokens) => ({ name: mode === 'off' ? mode : `${mode} ${numTokens}`, mode, numTokens })),
  );
  const measured = new Map<string, SpeculativeResult[]>(settings.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const first = round % settings.length;
    for (const { name, mode, numTokens } of [...settings.slice(first), ...settings.slice(0, first)]) {
      const options: SpeculativeRunOptions = { packDir, mode, numTokens, batches, threads };
      measured.get(name)!.push((await runForJson('./speculative/run.ts', [JSON.stringify(options)])) as SpeculativeResult);
    }
    console.error(`round ${round + 1} of ${rounds} is done`);
  }
  console.log(report(measured));
}

async function packOf(): Promise<string> {
  if (values.model !== undefined) return resolve(values.model);
  const layers = parseInteger('--layers', values.layers, 1, 1024);
  const cacheDir = resolve(values.cache ?? join(defaultCacheDir(), 'bench'));
  return (await ensureModels(values.shape ?? 'ring-lite', layers, cacheDir, false)).packDir;
}

/** Tokens a second, and of settings with guesses what they gain in the same round, and how many of how many came true. */
function report(measured: Map<string, SpeculativeResult[]>): string {
  const plain = measured.get('off')!;
  const rows = Object.keys(plain[0]!).map((measure) => {
    const cells = [...measured].map(([name, results]) => {
      const rates = showSpread(spreadOf(results.map((result) => result[measure]!.tokensPerSecond)), 1);
      if (name === 'off') return rates;
      const gains = spreadOf(results.map((result, round) => result[measure]!.tokensPerSecond / plain[round]![measure]!.tokensPerSecond));
      const { acceptedShare, draftsPerToken } = results[0]![measure]!;
      return `${rates}, × ${showSpread(gains, 2)}; ${(acceptedShare * 100).toFixed(0)} % of ${draftsPerToken.toFixed(2)}`;
    });
    return [measure, ...cells];
  });
  return table([['tokens/s', ...measured.keys()], ...rows]);
}

function parseList(option: string, list: string, max: number): number[] {
  return list.split(',').map((each) => parseInteger(option, each, 1, max)!);
}

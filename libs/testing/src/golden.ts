import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** One prompt of a golden.json (format: test/fixtures/goldens/README.md). */
export interface GoldenPrompt {
  kind: 'tokens' | 'text' | 'chat';
  ids: number[];
  /** [V] logits after the prompt's last token. */
  last_logits: number[];
  greedy: { ids: number[]; margins: number[]; first_eos: number; text: string };
  /** Some prompts: per layer with experts (`0`…) the gate's decisions, largest weight first. */
  router?: Record<string, { ids: number[][]; weights: number[][] }>;
  /** Some prompts of models with linear attention: by layer, the state after the prompt. */
  linear_state?: Record<string, GoldenState>;
  notes: { min_margin: number; router_min_gap: number };
}

/** What is told of a state [heads, key D, value D]. */
export interface GoldenState {
  shape: [heads: number, keyDim: number, valueDim: number];
  mean: number;
  std: number;
  /** Of the first head the first row, of the last head the second one: eight values each. */
  head0_k0_v8: number[];
  lasthead_k1_v8: number[];
}

export interface GoldenModel {
  name: string;
  /** The checkpoint's folder. */
  dir: string;
  prompts: GoldenPrompt[];
}

/** Where goldens lie: in the project, and, where the project lies beside them, the larger ones in shared/. */
const ROOTS = [join(REPOSITORY, 'test/fixtures/goldens'), join(REPOSITORY, '../shared/goldens')];

/** The sample model's folder. */
export const SAMPLE_MODEL = join(REPOSITORY, 'libs/sample-model/ring-nano');

/** All goldens of one architecture that are there, each name once. */
export function goldenModels(modelType: string): GoldenModel[] {
  const found = new Map<string, string>([['ring-nano', SAMPLE_MODEL]]);
  for (const root of ROOTS.filter((path) => existsSync(path))) {
    for (const name of readdirSync(root)) {
      if (existsSync(join(root, name, 'golden.json')) && !found.has(name)) found.set(name, join(root, name));
    }
  }
  return [...found].filter(([, dir]) => modelTypeOf(dir) === modelType).map(([name, dir]) => loadGolden(name, dir));
}

/** Golden ids are binding up to the first step whose two best logits are closer than this (goldens/README.md). */
const NEAR_TIE = 1e-3;

/** The ids a greedy generation must give: all up to the first near tie. */
export function bindingGreedyIds({ greedy }: GoldenPrompt): number[] {
  return bindingIds(greedy.ids, greedy.margins);
}

/** Of greedy ids those that do not depend on a model's last bits, which what else is in a batch may move. @param margins between each step's two best logits */
export function bindingIds(ids: number[], margins: readonly number[]): number[] {
  const tie = margins.findIndex((margin) => margin < NEAR_TIE);
  return tie === -1 ? ids : ids.slice(0, tie);
}

/** The gate's decision for each token, without the order of the k experts, which two equal weights may swap. @param topkIds [T][k] */
export function decisions(topkIds: number[][]): number[][] {
  return topkIds.map((ids) => ids.toSorted((a, b) => a - b));
}

/** log-softmax. @param logits [V] @returns [V] */
export function logSoftmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const max = values.reduce((a, b) => Math.max(a, b));
  const logSum = Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0)) + max;
  return values.map((value) => value - logSum);
}

function loadGolden(name: string, dir: string): GoldenModel {
  const { prompts } = JSON.parse(readFileSync(join(dir, 'golden.json'), 'utf8')) as { prompts: GoldenPrompt[] };
  return { name, dir, prompts };
}

function modelTypeOf(dir: string): unknown {
  return (JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as { model_type?: unknown }).model_type;
}

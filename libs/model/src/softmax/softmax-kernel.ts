import { BLOCK_TOKENS } from '@ringmesh/kv-cache';
import { constant, get, I32, increase, type KernelFunction, load, loopWhileBelow, MAX, pick, set, store, V128 } from '@ringmesh/kernels';

/** Queries that are computed together: the numbers of a vector. */
export const QUERIES = 4;
export const QUERY_INDICES = [0, 1, 2, 3];

/** A token's scores. */
export const SCORE_BYTES = QUERIES * 4;

/**
 * Tokens of the blocks that are scored, all of them, before their values are wanted: keys of blocks that follow each other are one stream that a
 * processor reads ahead, and so are values, as long as the two are not read in turn (docs/engine-notes.md).
 */
export const TOKENS_TOGETHER = 16 * BLOCK_TOKENS;

/** The memories of the kernels of every format, by their place in the module: their own, and that of the blocks of keys and values. */
export const [OWN_MEMORY, BLOCK_MEMORY] = [0, 1];

/** Where the kernels of every format find things in their own memory: byte addresses. */
export interface SoftmaxLayout {
  /** W: numbers of a row of outputs. */
  outputWidth: number;
  outputs: number; // [4, W]
  /** Where the outputs have each query's number of each column. */
  outputIndex: Int32Array; // [4 · D]
  /** Of the scores that weights are relative to. */
  largest: number; // [4]
  /** Of all scores, those among them that have not become weights yet. */
  largestScored: number; // [4]
  /** Of the weights so far: those of every other token, and those of the others. */
  sums: number; // [2, 4]
  scores: number; // [tokens together + 1, 4], then the weights
  end: number;
}

/** Adds the four numbers of each of four vectors. @param add of floats or of integers @param spare two locals @returns pushes the four sums as one vector */
export function totals(vectors: number, add: number[], spare: number): number[] {
  const [t, u] = [spare, spare + 1];
  const pairs = (first: number): number[] => [
    ...[...get(first), ...get(first + 1), ...pick(0, 4, 1, 5)],
    ...[...get(first), ...get(first + 1), ...pick(2, 6, 3, 7), ...add],
  ];
  return [
    ...[...pairs(vectors), ...set(t), ...pairs(vectors + 2), ...set(u)],
    ...[...get(t), ...get(u), ...pick(0, 1, 4, 5), ...get(t), ...get(u), ...pick(2, 3, 6, 7), ...add],
  ];
}

/**
 * Parameters of `score` and `accumulate`: where the scores of a block's tokens start and end, of which there is an even number, and the addresses of
 * the block's rows and scales.
 */
export const BLOCK_PARAMETERS = [I32, I32, I32, I32];

/** Locals of every `score`, {@link BLOCK_PARAMETERS} first; a format without scales has `scale` for itself. From `vectors` on, all are a format's. */
export const SCORE_LOCALS = { at: 0, end: 1, token: 2, scale: 3, vectors: 4 };

/** How a format scores two tokens, which are together so that a query is read once for both. */
export interface TwoTokens {
  body: number[];
  /** The locals that take each token's scores [4]. */
  scores: [number, number];
  /** Moves on to the next two, but for the scores' address. */
  next: number[];
  numVectors: number;
}

/** `score(start, end, rows, scales)`: scores of a block's tokens, and whether they are the largest so far. */
export function scoreFunction({ scores, largestScored }: SoftmaxLayout, tokens: TwoTokens): KernelFunction {
  const { at, end, vectors } = SCORE_LOCALS;
  const LARGEST = vectors + tokens.numVectors;
  const keep = tokens.scores.flatMap((score, token) => [
    ...[...get(at), ...get(score), ...store(scores + token * SCORE_BYTES)],
    ...[...get(LARGEST), ...get(score), ...MAX, ...set(LARGEST)],
  ]);
  const body = [
    ...[...constant(0), ...load(largestScored), ...set(LARGEST)],
    ...loopWhileBelow(at, get(end), [...tokens.body, ...keep, ...tokens.next, ...increase(at, 2 * SCORE_BYTES)]),
    ...[...constant(0), ...get(LARGEST), ...store(largestScored)],
  ];
  return { name: 'score', parameters: BLOCK_PARAMETERS, locals: [[tokens.numVectors + 1, V128]], body };
}

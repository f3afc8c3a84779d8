import { constant, floats, get, I32, increase, type KernelFunction, loopWhileBelow, MAX, pick, set, store, V128 } from '@ringmesh/kernels';

/** Queries that are computed together: the numbers of a vector. */
export const QUERIES = 4;
export const QUERY_INDICES = [0, 1, 2, 3];

/** A token's scores. */
export const SCORE_BYTES = QUERIES * 4;

/** The memories of the kernels of every format, by their place in the module: their own, and that of the blocks of keys and values. */
export const [OWN_MEMORY, BLOCK_MEMORY] = [0, 1];

/** Where the kernels of every format find things in their own memory: byte addresses. */
export interface SoftmaxLayout {
  outputs: number; // [4, D]
  largest: number; // [4] of the scores so far
  blockLargest: number; // [4] of the block's scores
  sums: number; // [4] of the weights so far
  scores: number; // [block tokens + 1, 4], then the weights
  end: number;
}

/** Adds the four numbers of each of four vectors. @param add of floats or of integers @returns pushes the four sums as one vector */
export function totals(vectors: number, add: number[], spare: [number, number]): number[] {
  const pairs = (first: number): number[] => [
    ...[...get(first), ...get(first + 1), ...pick(0, 4, 1, 5)],
    ...[...get(first), ...get(first + 1), ...pick(2, 6, 3, 7), ...add],
  ];
  const [t, u] = spare;
  return [
    ...[...pairs(vectors), ...set(t), ...pairs(vectors + 2), ...set(u)],
    ...[...get(t), ...get(u), ...pick(0, 1, 4, 5), ...get(t), ...get(u), ...pick(2, 3, 6, 7), ...add],
  ];
}

/**
 * Parameters of `score` and `accumulate`: where the scores of a block's tokens end, of which there is an even number, and the addresses of the
 * block's rows and scales.
 */
export const BLOCK_PARAMETERS = [I32, I32, I32];

/** Locals of every `score(end, rows, scales)`; a format without scales has the last parameter for itself. */
export const SCORE_LOCALS = { token: 1, scale: 2, at: 3, query: 4, sums: [5, 9], keys: [13, 14], spare: [15, 16] as [number, number] };
const SCORE_LARGEST = 17;

/**
 * `score(end, rows, scales)`: scores of a block's tokens, two at a time so that a query is read once for both, and the largest of them.
 * @param twoTokens their scores, each token's as a vector in the first of its four {@link SCORE_LOCALS}.sums
 * @param next moves on to the next two, but for the scores' address
 */
export function scoreFunction({ scores, blockLargest }: SoftmaxLayout, twoTokens: number[], next: number[]): KernelFunction {
  const { at, sums } = SCORE_LOCALS;
  const END = 0;
  const keep = sums.flatMap((sum, token) => [
    ...[...get(at), ...get(sum), ...store(scores + token * SCORE_BYTES)],
    ...[...get(SCORE_LARGEST), ...get(sum), ...MAX, ...set(SCORE_LARGEST)],
  ]);
  const body = [
    ...[...floats(-Infinity), ...set(SCORE_LARGEST)],
    ...loopWhileBelow(at, get(END), [...twoTokens, ...keep, ...next, ...increase(at, 2 * SCORE_BYTES)]),
    ...[...constant(0), ...get(SCORE_LARGEST), ...store(blockLargest)],
  ];
  const locals: [number, number][] = [
    [1, I32],
    [14, V128],
  ];
  return { name: 'score', parameters: BLOCK_PARAMETERS, locals, body };
}

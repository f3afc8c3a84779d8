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
  /** W: numbers of a row of outputs. */
  outputWidth: number;
  outputs: number; // [4, W]
  /** Where the outputs have each query's number of each column. */
  outputIndex: Int32Array; // [4 · D]
  largest: number; // [4] of the scores so far
  blockLargest: number; // [4] of the block's scores
  /** Of the weights so far: those of every other token, and those of the others. */
  sums: number; // [2, 4]
  scores: number; // [block tokens + 1, 4], then the weights
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
 * Parameters of `score` and `accumulate`: where the scores of a block's tokens end, of which there is an even number, and the addresses of the
 * block's rows and scales.
 */
export const BLOCK_PARAMETERS = [I32, I32, I32];

/** Locals of every `score(end, rows, scales)`; a format without scales has the last parameter for itself. From `vectors` on, all are a format's. */
export const SCORE_LOCALS = { token: 1, scale: 2, at: 3, vectors: 4 };

/** How a format scores two tokens, which are together so that a query is read once for both. */
export interface TwoTokens {
  body: number[];
  /** The locals that take each token's scores [4]. */
  scores: [number, number];
  /** Moves on to the next two, but for the scores' address. */
  next: number[];
  numVectors: number;
}

/** `score(end, rows, scales)`: scores of a block's tokens, and the largest of them. */
export function scoreFunction({ scores, blockLargest }: SoftmaxLayout, tokens: TwoTokens): KernelFunction {
  const { at, vectors } = SCORE_LOCALS;
  const [END, LARGEST] = [0, vectors + tokens.numVectors];
  const keep = tokens.scores.flatMap((score, token) => [
    ...[...get(at), ...get(score), ...store(scores + token * SCORE_BYTES)],
    ...[...get(LARGEST), ...get(score), ...MAX, ...set(LARGEST)],
  ]);
  const body = [
    ...[...floats(-Infinity), ...set(LARGEST)],
    ...loopWhileBelow(at, get(END), [...tokens.body, ...keep, ...tokens.next, ...increase(at, 2 * SCORE_BYTES)]),
    ...[...constant(0), ...get(LARGEST), ...store(blockLargest)],
  ];
  const locals: [number, number][] = [
    [1, I32],
    [tokens.numVectors + 1, V128],
  ];
  return { name: 'score', parameters: BLOCK_PARAMETERS, locals, body };
}

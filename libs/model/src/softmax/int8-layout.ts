import { BLOCK_TOKENS } from '@ringmesh/kv-cache';
import { QUERIES, SCORE_BYTES, type SoftmaxLayout, TOKENS_TOGETHER } from './softmax-kernel.js';

/** The largest absolute value of a key or a value. */
export const INT8_LEVELS = 127;

/** Columns that are computed together. Where D is no multiple of it, what lies behind a row is read, too, and counts nothing. */
export const COLUMNS = 16;

/** Pairs of tokens in a round of the innermost loop. */
export const UNROLLED_PAIRS = 4;

/** Tokens that are scored together. */
export const SCORED_TOKENS = 2;

/** Of queries: as many as a sum of D products with keys leaves room for in 32 bits. */
export function queryLevels(headDim: number): number {
  return Math.min(32_767, Math.floor((2 ** 31 - 1) / (INT8_LEVELS * headDim)));
}

/** D, rounded up to whole {@link COLUMNS}. */
export function paddedDim(headDim: number): number {
  return Math.ceil(headDim / COLUMNS) * COLUMNS;
}

/** P is D, rounded up to whole {@link COLUMNS}. */
export interface Int8Layout extends SoftmaxLayout {
  queries: number; // [4, P] 16-bit integers
  queryScales: number; // [4]
  /** Each token's sums over the first and over the last eight of all sixteen columns. */
  halfSums: number; // [2, 2, 4] 32-bit integers
  /** Of two tokens each: 16-bit integers. */
  weights: number; // [block tokens / 2, 4, 2]
  weightScales: number; // [4]
}

/** @param headDim a multiple of 8 */
export function int8Layout(headDim: number): Int8Layout {
  const padded = paddedDim(headDim);
  let end = 0;
  const reserve = (bytes: number): number => (end += bytes) - bytes;
  return {
    queries: reserve(QUERIES * padded * 2),
    queryScales: reserve(QUERIES * 4),
    outputWidth: padded,
    outputs: reserve(QUERIES * padded * 4),
    outputIndex: outputIndex(headDim),
    largest: reserve(SCORE_BYTES),
    largestScored: reserve(SCORE_BYTES),
    sums: reserve(2 * SCORE_BYTES),
    scores: reserve((TOKENS_TOGETHER + 1) * SCORE_BYTES),
    halfSums: reserve(2 * SCORED_TOKENS * SCORE_BYTES),
    weights: reserve(BLOCK_TOKENS * QUERIES * 2 + (UNROLLED_PAIRS - 1) * SCORE_BYTES),
    weightScales: reserve(QUERIES * 4),
    end,
  };
}

/** Where the outputs have each number: of sixteen columns the even ones come first, then the odd ones. */
function outputIndex(headDim: number): Int32Array {
  const padded = paddedDim(headDim);
  return Int32Array.from({ length: QUERIES * headDim }, (_, number) => {
    const [query, column] = [Math.floor(number / headDim), number % headDim];
    const within = column % COLUMNS;
    return query * padded + (column - within) + (within % 2) * (COLUMNS / 2) + Math.floor(within / 2);
  }); // [4 · D]
}

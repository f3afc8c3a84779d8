import { BLOCK_TOKENS } from '@ringmesh/kv-cache';
import {
  ADD,
  ADD_INTEGERS,
  constant,
  DIV,
  DOT_PAIRS,
  floats,
  get,
  I32,
  increase,
  integers,
  interleave,
  type KernelFunction,
  load,
  loadBytes,
  loopWhileBelow,
  MAX,
  MUL,
  MULTIPLY_ADD,
  NEAREST,
  OR,
  set,
  SHIFT_LEFT,
  splatFrom,
  store,
  SUB,
  TO_FLOATS,
  TO_INTEGERS,
  V128,
} from '@ringmesh/kernels';
import {
  BLOCK_MEMORY,
  BLOCK_PARAMETERS,
  QUERIES,
  QUERY_INDICES,
  SCORE_BYTES,
  SCORE_LOCALS,
  scoreFunction,
  type SoftmaxLayout,
  totals,
} from './softmax-kernel.js';

/** The largest absolute value of a key or a value. */
export const INT8_LEVELS = 127;

/** Pairs of tokens in a round of the innermost loop. */
const UNROLLED_PAIRS = 4;

/** Of weights, which are never negative. The products of a block's tokens, of 15 and 7 bits, add up to less than 2³¹. */
const WEIGHT_LEVELS = 32_767;

/** Of queries: as many as a sum of D products with keys leaves room for in 32 bits. */
export function queryLevels(headDim: number): number {
  return Math.min(32_767, Math.floor((2 ** 31 - 1) / (INT8_LEVELS * headDim)));
}

export interface Int8Layout extends SoftmaxLayout {
  queries: number; // [4, D] 16-bit integers
  queryScales: number; // [4]
  /** Of two tokens each: 16-bit integers. */
  weights: number; // [block tokens / 2, 4, 2]
  weightScales: number; // [4]
}

/** @param headDim a multiple of 8 */
export function int8Layout(headDim: number): Int8Layout {
  let end = 0;
  const reserve = (bytes: number): number => (end += bytes) - bytes;
  return {
    queries: reserve(QUERIES * headDim * 2),
    queryScales: reserve(QUERIES * 4),
    outputs: reserve(QUERIES * headDim * 4),
    largest: reserve(SCORE_BYTES),
    blockLargest: reserve(SCORE_BYTES),
    sums: reserve(SCORE_BYTES),
    scores: reserve((BLOCK_TOKENS + 1) * SCORE_BYTES),
    weights: reserve(BLOCK_TOKENS * QUERIES * 2 + (UNROLLED_PAIRS - 1) * SCORE_BYTES),
    weightScales: reserve(QUERIES * 4),
    end,
  };
}

/** Sums of integers, exact; then the scales. */
export function int8Score(layout: Int8Layout, headDim: number): KernelFunction {
  const { queries, queryScales } = layout;
  const { token: TOKEN, scale: SCALE, query: Q, sums: SUMS, keys: KEYS, spare } = SCORE_LOCALS;
  const eightNumbers = (column: number): number[] => [
    ...KEYS.flatMap((key, token) => [...get(TOKEN), ...loadBytes(token * headDim + column, BLOCK_MEMORY), ...set(key)]),
    ...QUERY_INDICES.flatMap((query) => [
      ...[...constant(0), ...load(queries + (query * headDim + column) * 2), ...set(Q)],
      ...KEYS.flatMap((key, token) => {
        const sum = SUMS[token]! + query;
        return [...get(key), ...get(Q), ...DOT_PAIRS, ...get(sum), ...ADD_INTEGERS, ...set(sum)];
      }),
    ]),
  ];
  const twoTokens = [
    ...SUMS.flatMap((sums) => QUERY_INDICES.flatMap((query) => [...integers(0), ...set(sums + query)])),
    ...Array.from({ length: headDim / 8 }, (_, index) => eightNumbers(index * 8)).flat(),
    ...SUMS.flatMap((sums, token) => [
      ...[...totals(sums, ADD_INTEGERS, spare), ...TO_FLOATS],
      ...[...get(SCALE), ...splatFrom(token * 4, BLOCK_MEMORY), ...MUL, ...constant(0), ...load(queryScales), ...MUL, ...set(sums)],
    ]),
  ];
  return scoreFunction(layout, twoTokens, [...increase(TOKEN, 2 * headDim), ...increase(SCALE, 8)]);
}

/** An even number of tokens: quantizes their weights, then adds two tokens in a product, eight numbers of all four outputs at a time. */
export function int8Accumulate(layout: Int8Layout, headDim: number): KernelFunction {
  const { outputs, weights, weightScales } = layout;
  const [ROWS, WEIGHTS_END, COLUMN, OUTPUT, TOKEN, AT, SUM, FIRST, SECOND, LOW, HIGH, P] = [1, 3, 4, 5, 6, 7, 8, 16, 17, 18, 19, 20];
  const halves = [0, 1];
  const twoTokens = (pair: number): number[] => [
    ...[...get(TOKEN), ...loadBytes(2 * pair * headDim, BLOCK_MEMORY), ...set(FIRST)],
    ...[...get(TOKEN), ...loadBytes((2 * pair + 1) * headDim, BLOCK_MEMORY), ...set(SECOND)],
    ...[...get(FIRST), ...get(SECOND), ...interleave('low'), ...set(LOW)],
    ...[...get(FIRST), ...get(SECOND), ...interleave('high'), ...set(HIGH)],
    ...QUERY_INDICES.flatMap((query) => [
      ...[...get(AT), ...splatFrom(weights + pair * SCORE_BYTES + query * 4), ...set(P)],
      ...halves.flatMap((half) => {
        const sum = SUM + 2 * query + half;
        return [...get(LOW + half), ...get(P), ...DOT_PAIRS, ...get(sum), ...ADD_INTEGERS, ...set(sum)];
      }),
    ]),
  ];
  const pairs = [
    ...Array.from({ length: UNROLLED_PAIRS }, (_, pair) => twoTokens(pair)).flat(),
    ...increase(TOKEN, UNROLLED_PAIRS * 2 * headDim),
    ...increase(AT, UNROLLED_PAIRS * SCORE_BYTES),
  ];
  const addToOutput = (query: number, half: number): number[] => {
    const at = outputs + query * headDim * 4 + half * 16;
    const product = [...get(SUM + 2 * query + half), ...TO_FLOATS, ...constant(0), ...splatFrom(weightScales + query * 4)];
    return [...get(OUTPUT), ...product, ...get(OUTPUT), ...load(at), ...MULTIPLY_ADD, ...store(at)];
  };
  const columns = [
    ...Array.from({ length: 2 * QUERIES }, (_, index) => [...integers(0), ...set(SUM + index)]).flat(),
    ...[...get(ROWS), ...set(TOKEN), ...constant(0), ...set(AT)],
    ...loopWhileBelow(AT, get(WEIGHTS_END), pairs),
    ...QUERY_INDICES.flatMap((query) => halves.flatMap((half) => addToOutput(query, half))),
    ...increase(ROWS, 8),
    ...increase(COLUMN, 8),
    ...increase(OUTPUT, 32),
  ];
  const locals: [number, number][] = [
    [5, I32],
    [13, V128],
  ];
  const quantize = quantizeWeights(layout, { end: WEIGHTS_END, address: AT, vectors: [FIRST, SECOND, LOW, P] });
  const body = [...quantize, ...loopWhileBelow(COLUMN, constant(headDim), columns)];
  return { name: 'accumulate', parameters: BLOCK_PARAMETERS, locals, body };
}

/** The locals that a part of a function may use. */
interface Locals {
  /** Zero at first; takes where the weights end. */
  end: number;
  address: number;
  vectors: [number, number, number, number];
}

/** Weights, with the scales of the values, as integers that share a scale. */
function quantizeWeights({ scores, weights, weightScales }: Int8Layout, locals: Locals): number[] {
  const [END, SCALE] = [0, 2];
  const { address: AT } = locals;
  const [LARGEST, W, CHECK, INVERSE] = locals.vectors;
  const scaled = [
    ...[...get(AT), ...load(scores), ...get(SCALE), ...splatFrom(0, BLOCK_MEMORY), ...MUL, ...set(W)],
    ...[...get(LARGEST), ...get(W), ...MAX, ...set(LARGEST)],
    ...[...get(CHECK), ...get(W), ...ADD, ...set(CHECK)],
    ...[...get(AT), ...get(W), ...store(scores)],
    ...increase(AT, SCORE_BYTES),
    ...increase(SCALE, 4),
  ];
  const integer = (token: number): number[] => [
    ...[...get(AT), ...load(scores + token * SCORE_BYTES), ...get(INVERSE), ...MUL, ...NEAREST, ...TO_INTEGERS],
  ];
  const pair = [
    ...[...get(locals.end), ...integer(0), ...integer(1), ...constant(16), ...SHIFT_LEFT, ...OR, ...store(weights)],
    ...increase(AT, 2 * SCORE_BYTES),
    ...increase(locals.end, SCORE_BYTES),
  ];
  return [
    // More than nothing, for a block that nobody looks at.
    ...[...floats(1e-30), ...set(LARGEST), ...floats(0), ...set(CHECK), ...constant(0), ...set(AT)],
    ...loopWhileBelow(AT, get(END), scaled),
    ...[...floats(WEIGHT_LEVELS), ...get(LARGEST), ...DIV, ...set(INVERSE)],
    // No integer is NaN: where a weight or a scale is, their sum is, and what is left of it.
    ...[
      ...constant(0),
      ...get(LARGEST),
      ...floats(1 / WEIGHT_LEVELS),
      ...MUL,
      ...get(CHECK),
      ...get(CHECK),
      ...SUB,
      ...ADD,
      ...store(weightScales),
    ],
    ...[...constant(0), ...set(AT)],
    ...loopWhileBelow(AT, get(END), pair),
    // What is computed beyond the last pair counts nothing.
    ...Array.from({ length: UNROLLED_PAIRS - 1 }, (_, index) => [
      ...[...get(locals.end), ...integers(0), ...store(weights + index * SCORE_BYTES)],
    ]).flat(),
  ];
}

import {
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
  TO_FLOATS,
  TO_INTEGERS,
  V128,
} from '../kernels/assembler.js';
import { QUERIES, QUERY_INDICES, SCORE_BYTES, SCORE_LOCALS, scoreFunction, type SoftmaxLayout, totals } from './softmax-kernel.js';

/** Tokens whose keys or values are in the kernel's memory at a time: few enough for a processor's nearest cache. */
export const INT8_BLOCK_TOKENS = 128;

/** The largest absolute value of a key or a value. */
export const INT8_LEVELS = 127;

/** Pairs of tokens in a round of the innermost loop. */
const UNROLLED_PAIRS = 4;

/** Of weights, which are never negative. 128 tokens' products of 15 and 7 bits stay below 2³¹. */
const WEIGHT_LEVELS = 32_767;

/** Of queries: as many as a sum of D products with keys leaves room for in 32 bits. */
export function queryLevels(headDim: number): number {
  return Math.min(32_767, Math.floor((2 ** 31 - 1) / (INT8_LEVELS * headDim)));
}

export interface Int8Layout extends SoftmaxLayout {
  queries: number; // [4, D] 16-bit integers
  queryScales: number; // [4]
  blockScales: number; // [128]
  /** Of two tokens each: 16-bit integers. */
  weights: number; // [64, 4, 2]
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
    sums: reserve(SCORE_BYTES),
    block: reserve(INT8_BLOCK_TOKENS * headDim),
    blockScales: reserve(INT8_BLOCK_TOKENS * 4),
    weights: reserve(INT8_BLOCK_TOKENS * QUERIES * 2 + (UNROLLED_PAIRS - 1) * SCORE_BYTES),
    weightScales: reserve(QUERIES * 4),
    scores: reserve(0),
  };
}

/** Sums of integers, exact; then the scales. */
export function int8Score(layout: Int8Layout, headDim: number): KernelFunction {
  const { queries, queryScales, block, blockScales } = layout;
  const { token: TOKEN, second: SCALE, query: Q, sums: SUMS, keys: KEYS, spare } = SCORE_LOCALS;
  const eightNumbers = (column: number): number[] => [
    ...KEYS.flatMap((key, token) => [...get(TOKEN), ...loadBytes(block + token * headDim + column), ...set(key)]),
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
      ...[...get(SCALE), ...splatFrom(blockScales + token * 4), ...MUL, ...constant(0), ...load(queryScales), ...MUL, ...set(sums)],
    ]),
  ];
  return scoreFunction(layout, twoTokens, [...increase(TOKEN, 2 * headDim), ...increase(SCALE, 8)]);
}

/** An even number of tokens: quantizes their weights, then adds two tokens in a product, eight numbers of all four outputs at a time. */
export function int8Accumulate(layout: Int8Layout, headDim: number): KernelFunction {
  const { block, outputs, weights, weightScales } = layout;
  const [WEIGHTS_END, COLUMN, OUTPUT, TOKEN, AT, SUM, FIRST, SECOND, LOW, HIGH, P] = [2, 3, 4, 5, 6, 7, 15, 16, 17, 18, 19];
  const halves = [0, 1];
  const twoTokens = (pair: number): number[] => [
    ...[...get(TOKEN), ...loadBytes(block + 2 * pair * headDim), ...set(FIRST)],
    ...[...get(TOKEN), ...loadBytes(block + (2 * pair + 1) * headDim), ...set(SECOND)],
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
    ...[...get(COLUMN), ...set(TOKEN), ...constant(0), ...set(AT)],
    ...loopWhileBelow(AT, get(WEIGHTS_END), pairs),
    ...QUERY_INDICES.flatMap((query) => halves.flatMap((half) => addToOutput(query, half))),
    ...increase(COLUMN, 8),
    ...increase(OUTPUT, 32),
  ];
  const locals: [number, number][] = [
    [5, I32],
    [13, V128],
  ];
  const quantize = quantizeWeights(layout, { end: WEIGHTS_END, integers: [TOKEN, AT], vectors: [FIRST, SECOND, P] });
  const body = [...quantize, ...loopWhileBelow(COLUMN, constant(headDim), columns)];
  return { name: 'accumulate', parameters: [I32, I32], locals, body };
}

/** The locals that a part of a function may use. */
interface Locals {
  /** Zero at first; takes where the weights end. */
  end: number;
  integers: [number, number];
  vectors: [number, number, number];
}

/** Weights, with the scales of the values, as integers that share a scale; overwrites the scores from local 0 to local 1. */
function quantizeWeights({ blockScales, scores, weights, weightScales }: Int8Layout, locals: Locals): number[] {
  const [START, END] = [0, 1];
  const [AT, SCALE] = locals.integers;
  const [LARGEST, W, INVERSE] = locals.vectors;
  const scaled = [
    ...[...get(AT), ...load(scores), ...get(SCALE), ...splatFrom(blockScales), ...MUL, ...set(W)],
    ...[...get(LARGEST), ...get(W), ...MAX, ...set(LARGEST)],
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
    ...[...floats(1e-30), ...set(LARGEST), ...get(START), ...set(AT)],
    ...loopWhileBelow(AT, get(END), scaled),
    ...[...floats(WEIGHT_LEVELS), ...get(LARGEST), ...DIV, ...set(INVERSE)],
    ...[...constant(0), ...get(LARGEST), ...floats(1 / WEIGHT_LEVELS), ...MUL, ...store(weightScales)],
    ...[...get(START), ...set(AT)],
    ...loopWhileBelow(AT, get(END), pair),
    // What is computed beyond the last pair counts nothing.
    ...Array.from({ length: UNROLLED_PAIRS - 1 }, (_, index) => [
      ...[...get(locals.end), ...integers(0), ...store(weights + index * SCORE_BYTES)],
    ]).flat(),
  ];
}

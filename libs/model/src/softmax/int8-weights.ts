import {
  ADD,
  AND,
  constant,
  DIV,
  floats,
  get,
  increase,
  integers,
  load,
  loopWhileBelow,
  MAX,
  MUL,
  MULTIPLY_ADD,
  OR,
  set,
  SHIFT_LEFT,
  splatFrom,
  store,
  SUB,
} from '@ringmesh/kernels';
import { type Int8Layout, UNROLLED_PAIRS } from './int8-layout.js';
import { BLOCK_MEMORY, SCORE_BYTES } from './softmax-kernel.js';

/** Of weights, which are never negative. The products of a block's tokens, of 15 and 7 bits, add up to less than 2³¹. */
const WEIGHT_LEVELS = 32_767;

/** The locals that a part of a function may use, besides {@link BLOCK_PARAMETERS}. */
export interface WeightLocals {
  /** Zero at first; takes where the weights end. */
  end: number;
  address: number;
  vectors: [number, number, number, number];
}

/** Weights of a block, with the scales of the values, as integers that share a scale. */
export function quantizeWeights({ scores, weights, weightScales }: Int8Layout, locals: WeightLocals): number[] {
  const [START, END, SCALE] = [0, 1, 3];
  const { address: AT } = locals;
  const [LARGEST, W, CHECK, INVERSE] = locals.vectors;
  const [WHOLE, LOW] = [LARGEST, W];
  const scaled = [
    ...[...get(AT), ...load(scores), ...get(SCALE), ...splatFrom(0, BLOCK_MEMORY), ...MUL, ...set(W)],
    ...[...get(LARGEST), ...get(W), ...MAX, ...set(LARGEST)],
    ...[...get(CHECK), ...get(W), ...ADD, ...set(CHECK)],
    ...[...get(AT), ...get(W), ...store(scores)],
    ...increase(AT, SCORE_BYTES),
    ...increase(SCALE, 4),
  ];
  // 2²³ and more has no room for a fraction: the number is in the lowest bits.
  const integer = (token: number): number[] => [
    ...[...get(AT), ...load(scores + token * SCORE_BYTES), ...get(INVERSE), ...get(WHOLE), ...MULTIPLY_ADD],
  ];
  const pair = [
    ...[...get(locals.end), ...integer(0), ...get(LOW), ...AND, ...integer(1), ...constant(16), ...SHIFT_LEFT, ...OR, ...store(weights)],
    ...increase(AT, 2 * SCORE_BYTES),
    ...increase(locals.end, SCORE_BYTES),
  ];
  return [
    // More than nothing, for a block that nobody looks at.
    ...[...floats(1e-30), ...set(LARGEST), ...floats(0), ...set(CHECK), ...get(START), ...set(AT)],
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
    ...[...floats(2 ** 23), ...set(WHOLE), ...integers(0xffff), ...set(LOW), ...get(START), ...set(AT)],
    ...loopWhileBelow(AT, get(END), pair),
    // What is computed beyond the last pair counts nothing.
    ...Array.from({ length: UNROLLED_PAIRS - 1 }, (_, index) => [
      ...[...get(locals.end), ...integers(0), ...store(weights + index * SCORE_BYTES)],
    ]).flat(),
  ];
}

import {
  AND,
  ADD_INTEGERS,
  bothHalves,
  bytesOfHalves,
  constant,
  DOT_PAIRS,
  get,
  I32,
  increase,
  integers,
  type KernelFunction,
  load,
  loopWhileBelow,
  MULTIPLY_ADD,
  OR,
  set,
  SHIFT_LEFT,
  SHIFT_RIGHT,
  splatFrom,
  store,
  TO_FLOATS,
  V128,
} from '@ringmesh/kernels';
import { COLUMNS, type Int8Layout, paddedDim, UNROLLED_PAIRS } from './int8-layout.js';
import { quantizeWeights } from './int8-weights.js';
import { BLOCK_MEMORY, BLOCK_PARAMETERS, QUERY_INDICES, SCORE_BYTES } from './softmax-kernel.js';

/** Of each pair of numbers: the even columns', and the odd ones'. */
const PARITIES = [0, 1];

/**
 * An even number of tokens: quantizes their weights, then adds two tokens in a product, sixteen columns of all four outputs at a time. All vectors
 * are the halves of wide ones.
 */
export function int8Accumulate(layout: Int8Layout, headDim: number): KernelFunction {
  const { outputs, weights, weightScales } = layout;
  const [ROWS, WEIGHTS_END, COLUMN, OUTPUT, TOKEN, AT] = [2, 4, 5, 6, 7, 8];
  const [SUMS, FIRST, SECOND, PAIRS, WEIGHT, LOW, HIGH] = [9, 25, 27, 29, 33, 34, 35];
  const padded = paddedDim(headDim);
  const sumOf = (query: number, parity: number): number => SUMS + 4 * query + 2 * parity; // [halves]
  const pairsOf = (parity: number): number => PAIRS + 2 * parity; // [halves]

  /** The 16-bit numbers of two tokens, next to each other: (first[0], second[0], first[2], …), (first[1], second[1], first[3], …). */
  const pair = (half: number): number[] => [
    ...[...get(FIRST + half), ...get(LOW), ...AND, ...get(SECOND + half), ...constant(16), ...SHIFT_LEFT, ...OR, ...set(pairsOf(0) + half)],
    ...[
      ...get(FIRST + half),
      ...constant(16),
      ...SHIFT_RIGHT,
      ...get(SECOND + half),
      ...get(HIGH),
      ...AND,
      ...OR,
      ...set(pairsOf(1) + half),
    ],
  ];
  const twoTokens = (index: number): number[] => [
    ...bytesOfHalves(TOKEN, 2 * index * headDim, BLOCK_MEMORY, WEIGHT, FIRST),
    ...bytesOfHalves(TOKEN, (2 * index + 1) * headDim, BLOCK_MEMORY, WEIGHT, SECOND),
    ...bothHalves(pair),
    ...QUERY_INDICES.flatMap((query) => [
      ...[...get(AT), ...splatFrom(weights + index * SCORE_BYTES + query * 4), ...set(WEIGHT)],
      ...PARITIES.flatMap((parity) =>
        bothHalves((half) => {
          const sum = sumOf(query, parity) + half;
          return [...get(pairsOf(parity) + half), ...get(WEIGHT), ...DOT_PAIRS, ...get(sum), ...ADD_INTEGERS, ...set(sum)];
        }),
      ),
    ]),
  ];
  const pairs = [
    ...Array.from({ length: UNROLLED_PAIRS }, (_, index) => twoTokens(index)).flat(),
    ...increase(TOKEN, UNROLLED_PAIRS * 2 * headDim),
    ...increase(AT, UNROLLED_PAIRS * SCORE_BYTES),
  ];
  const addToOutput = (query: number): number[] => [
    ...[...constant(0), ...splatFrom(weightScales + query * 4), ...set(WEIGHT)],
    ...PARITIES.flatMap((parity) => {
      const at = outputs + (query * padded + parity * (COLUMNS / 2)) * 4;
      const sum = sumOf(query, parity);
      return [
        ...bothHalves((half) => [
          ...get(sum + half),
          ...TO_FLOATS,
          ...get(WEIGHT),
          ...get(OUTPUT),
          ...load(at + half * 16),
          ...MULTIPLY_ADD,
          ...set(sum + half),
        ]),
        ...bothHalves((half) => [...get(OUTPUT), ...get(sum + half), ...store(at + half * 16)]),
      ];
    }),
  ];
  const columns = [
    ...Array.from({ length: FIRST - SUMS }, (_, index) => [...integers(0), ...set(SUMS + index)]).flat(),
    ...[...get(ROWS), ...set(TOKEN), ...constant(0), ...set(AT)],
    ...loopWhileBelow(AT, get(WEIGHTS_END), pairs),
    ...QUERY_INDICES.flatMap(addToOutput),
    ...increase(ROWS, COLUMNS),
    ...increase(COLUMN, COLUMNS),
    ...increase(OUTPUT, COLUMNS * 4),
  ];
  const locals: [number, number][] = [
    [5, I32],
    [27, V128],
  ];
  const body = [
    ...quantizeWeights(layout, { end: WEIGHTS_END, address: AT, vectors: [FIRST, SECOND, PAIRS, WEIGHT] }),
    ...[...integers(0xffff), ...set(LOW), ...integers(0xffff << 16), ...set(HIGH)],
    ...loopWhileBelow(COLUMN, constant(headDim), columns),
  ];
  return { name: 'accumulate', parameters: BLOCK_PARAMETERS, locals, body };
}

import {
  ADD_INTEGERS,
  bothHalves,
  bytesOfHalves,
  constant,
  DOT_PAIRS,
  get,
  increase,
  integers,
  type KernelFunction,
  load,
  MUL,
  set,
  splatFrom,
  store,
  TO_FLOATS,
} from '@ringmesh/kernels';
import { COLUMNS, type Int8Layout, paddedDim } from './int8-layout.js';
import { BLOCK_MEMORY, QUERY_INDICES, SCORE_BYTES, SCORE_LOCALS, scoreFunction, totals } from './softmax-kernel.js';

const TOKENS = [0, 1];

/** Sums of integers, exact; then the scales. All vectors are the halves of wide ones. */
export function int8Score(layout: Int8Layout, headDim: number): KernelFunction {
  const { queries, queryScales, halfSums } = layout;
  const { token: TOKEN, scale: SCALE, vectors } = SCORE_LOCALS;
  const rowBytes = paddedDim(headDim) * 2;
  const KEYS = TOKENS.map((token) => vectors + 2 * token); // [tokens] of [halves]
  const [QUERY, SPARE] = [vectors + 4, vectors + 6];
  /** Of a token: [halves, queries] */
  const sumsOf = (token: number, half: number): number => vectors + 10 + 8 * token + 4 * half;
  const sixteenColumns = (column: number): number[] => [
    ...TOKENS.flatMap((token) => bytesOfHalves(TOKEN, token * headDim + column, BLOCK_MEMORY, SPARE, KEYS[token]!)),
    ...QUERY_INDICES.flatMap((query) => [
      ...bothHalves((half) => [...constant(0), ...load(queries + query * rowBytes + (column + 8 * half) * 2), ...set(QUERY + half)]),
      ...TOKENS.flatMap((token) =>
        bothHalves((half) => {
          const sum = sumsOf(token, half) + query;
          return [...get(KEYS[token]! + half), ...get(QUERY + half), ...DOT_PAIRS, ...get(sum), ...ADD_INTEGERS, ...set(sum)];
        }),
      ),
    ]),
  ];
  const body = [
    ...TOKENS.flatMap((token) =>
      bothHalves((half) => QUERY_INDICES.flatMap((query) => [...integers(0), ...set(sumsOf(token, half) + query)])),
    ),
    ...Array.from({ length: paddedDim(headDim) / COLUMNS }, (_, index) => sixteenColumns(index * COLUMNS)).flat(),
    ...TOKENS.flatMap((token) => [
      ...bothHalves((half) => [...totals(sumsOf(token, half), ADD_INTEGERS, SPARE + 2 * half), ...set(QUERY + half)]),
      ...bothHalves((half) => [...constant(0), ...get(QUERY + half), ...store(halfSums + (2 * token + half) * SCORE_BYTES)]),
    ]),
    ...TOKENS.flatMap((token) => [
      ...bothHalves((half) => [...constant(0), ...load(halfSums + (2 * token + half) * SCORE_BYTES)]),
      ...[...ADD_INTEGERS, ...TO_FLOATS, ...get(SCALE), ...splatFrom(token * 4, BLOCK_MEMORY), ...MUL],
      ...[...constant(0), ...load(queryScales), ...MUL, ...set(KEYS[token]!)],
    ]),
  ];
  const next = [...increase(TOKEN, 2 * headDim), ...increase(SCALE, 8)];
  return scoreFunction(layout, { body, scores: [KEYS[0]!, KEYS[1]!], next, numVectors: 26 });
}

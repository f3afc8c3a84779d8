import {
  ADD,
  constant,
  floats,
  get,
  I32,
  increase,
  type KernelFunction,
  load,
  loopWhileBelow,
  MAX,
  MULTIPLY_ADD,
  set,
  splatFrom,
  store,
  V128,
} from '../kernels/assembler.js';
import { QUERIES, QUERY_INDICES, SCORE_BYTES, type SoftmaxLayout, totals } from './softmax-kernel.js';

/** Tokens whose keys or values are in the kernel's memory at a time: few enough for a processor's nearest cache. */
export const FLOAT32_BLOCK_TOKENS = 32;

export interface Float32Layout extends SoftmaxLayout {
  queries: number; // [4, D]
}

/** @param headDim a multiple of 8 */
export function float32Layout(headDim: number): Float32Layout {
  const row = headDim * 4;
  const outputs = QUERIES * row;
  const largest = outputs + QUERIES * row;
  const block = largest + 2 * SCORE_BYTES;
  return { queries: 0, outputs, largest, sums: largest + SCORE_BYTES, block, scores: block + FLOAT32_BLOCK_TOKENS * row };
}

/** Two tokens at a time, so that a query is read once for both. */
export function float32Score({ queries, block, largest, scores }: Float32Layout, headDim: number): KernelFunction {
  const row = headDim * 4;
  const [AT, END, TOKEN, COLUMN, Q, FIRST, SECOND] = [0, 1, 2, 3, 4, 5, 9];
  const [KEYS, SUMS, T, U, LARGEST] = [[13, 14], [FIRST, SECOND], 15, 16, 17];
  const unrolled = headDim % 16 === 0 ? 4 : 2;
  const fourFloats = (offset: number): number[] => [
    ...KEYS.flatMap((key, token) => [...get(TOKEN), ...load(block + token * row + offset), ...set(key)]),
    ...QUERY_INDICES.flatMap((query) => [
      ...[...get(COLUMN), ...load(queries + query * row + offset), ...set(Q)],
      ...KEYS.flatMap((key, token) => [
        ...get(key),
        ...get(Q),
        ...get(SUMS[token]! + query),
        ...MULTIPLY_ADD,
        ...set(SUMS[token]! + query),
      ]),
    ]),
  ];
  const twoTokens = [
    ...SUMS.flatMap((sums) => QUERY_INDICES.flatMap((query) => [...floats(0), ...set(sums + query)])),
    ...[...constant(0), ...set(COLUMN)],
    ...loopWhileBelow(COLUMN, constant(row), [
      ...Array.from({ length: unrolled }, (_, index) => fourFloats(index * 16)).flat(),
      ...increase(TOKEN, unrolled * 16),
      ...increase(COLUMN, unrolled * 16),
    ]),
    ...SUMS.flatMap((sums, token) => [
      ...[...totals(sums, ADD, [T, U]), ...set(sums)],
      ...[...get(AT), ...get(sums), ...store(scores + token * SCORE_BYTES)],
      ...[...get(LARGEST), ...get(sums), ...MAX, ...set(LARGEST)],
    ]),
    ...increase(TOKEN, row), // the other one's
    ...increase(AT, 2 * SCORE_BYTES),
  ];
  const body = [
    ...[...constant(0), ...load(largest), ...set(LARGEST)],
    ...loopWhileBelow(AT, get(END), twoTokens),
    ...[...constant(0), ...get(LARGEST), ...store(largest)],
  ];
  const locals: [number, number][] = [
    [2, I32],
    [14, V128],
  ];
  return { name: 'score', parameters: [I32, I32], locals, body };
}

/** Eight numbers of all four outputs at a time: as many as there are registers for. */
export function float32Accumulate({ outputs, block, scores }: Float32Layout, headDim: number): KernelFunction {
  const row = headDim * 4;
  const [START, END, COLUMN, AT, TOKEN, V, P, OUT] = [0, 1, 2, 3, 4, 5, 7, 8];
  const halves = [0, 1];
  const forEachOutput = (visit: (local: number, offset: number) => number[]): number[] =>
    QUERY_INDICES.flatMap((query) => halves.flatMap((half) => visit(OUT + 2 * query + half, outputs + query * row + half * 16)));
  const token = [
    ...halves.flatMap((half) => [...get(TOKEN), ...load(block + half * 16), ...set(V + half)]),
    ...QUERY_INDICES.flatMap((query) => [
      ...[...get(AT), ...splatFrom(scores + query * 4), ...set(P)],
      ...halves.flatMap((half) => {
        const out = OUT + 2 * query + half;
        return [...get(P), ...get(V + half), ...get(out), ...MULTIPLY_ADD, ...set(out)];
      }),
    ]),
    ...increase(TOKEN, row),
    ...increase(AT, SCORE_BYTES),
  ];
  const columns = [
    ...forEachOutput((local, offset) => [...get(COLUMN), ...load(offset), ...set(local)]),
    ...[...get(START), ...set(AT), ...get(COLUMN), ...set(TOKEN)],
    ...loopWhileBelow(AT, get(END), token),
    ...forEachOutput((local, offset) => [...get(COLUMN), ...get(local), ...store(offset)]),
    ...increase(COLUMN, 32),
  ];
  const locals: [number, number][] = [
    [3, I32],
    [11, V128],
  ];
  return { name: 'accumulate', parameters: [I32, I32], locals, body: loopWhileBelow(COLUMN, constant(row), columns) };
}

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
  MULTIPLY_ADD,
  set,
  splatFrom,
  store,
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
  TOKENS_TOGETHER,
  totals,
} from './softmax-kernel.js';

export interface Float32Layout extends SoftmaxLayout {
  queries: number; // [4, D]
}

/** @param headDim a multiple of 8 */
export function float32Layout(headDim: number): Float32Layout {
  const row = headDim * 4;
  const outputs = QUERIES * row;
  const largest = outputs + QUERIES * row;
  const [largestScored, sums, scores] = [1, 2, 4].map((vectors) => largest + vectors * SCORE_BYTES) as [number, number, number];
  return {
    queries: 0,
    outputWidth: headDim,
    outputs,
    outputIndex: Int32Array.from({ length: QUERIES * headDim }, (_, number) => number),
    largest,
    largestScored,
    sums,
    scores,
    end: scores + (TOKENS_TOGETHER + 1) * SCORE_BYTES,
  };
}

export function float32Score(layout: Float32Layout, headDim: number): KernelFunction {
  const { queries } = layout;
  const { token: TOKEN, scale: COLUMN, vectors } = SCORE_LOCALS;
  const [Q, SPARE, KEYS, SUMS] = [vectors, vectors + 1, [vectors + 3, vectors + 4], [vectors + 5, vectors + 9]] as const;
  const row = headDim * 4;
  const unrolled = headDim % 16 === 0 ? 4 : 2;
  const fourFloats = (offset: number): number[] => [
    ...KEYS.flatMap((key, token) => [...get(TOKEN), ...load(token * row + offset, BLOCK_MEMORY), ...set(key)]),
    ...QUERY_INDICES.flatMap((query) => [
      ...[...get(COLUMN), ...load(queries + query * row + offset), ...set(Q)],
      ...KEYS.flatMap((key, token) => {
        const sum = SUMS[token]! + query;
        return [...get(key), ...get(Q), ...get(sum), ...MULTIPLY_ADD, ...set(sum)];
      }),
    ]),
  ];
  const body = [
    ...SUMS.flatMap((sums) => QUERY_INDICES.flatMap((query) => [...floats(0), ...set(sums + query)])),
    ...[...constant(0), ...set(COLUMN)],
    ...loopWhileBelow(COLUMN, constant(row), [
      ...Array.from({ length: unrolled }, (_, index) => fourFloats(index * 16)).flat(),
      ...increase(TOKEN, unrolled * 16),
      ...increase(COLUMN, unrolled * 16),
    ]),
    ...SUMS.flatMap((sums) => [...totals(sums, ADD, SPARE), ...set(sums)]),
  ];
  const next = increase(TOKEN, row); // the other token's
  return scoreFunction(layout, { body, scores: [SUMS[0], SUMS[1]], next, numVectors: 13 });
}

/** Eight numbers of all four outputs at a time: as many as there are registers for. */
export function float32Accumulate({ outputs, scores }: Float32Layout, headDim: number): KernelFunction {
  const row = headDim * 4;
  const [START, END, ROWS, COLUMN, AT, TOKEN, V, P, OUT] = [0, 1, 2, 3, 4, 5, 6, 8, 9];
  const halves = [0, 1];
  const forEachOutput = (visit: (local: number, offset: number) => number[]): number[] =>
    QUERY_INDICES.flatMap((query) => halves.flatMap((half) => visit(OUT + 2 * query + half, outputs + query * row + half * 16)));
  const token = [
    ...halves.flatMap((half) => [...get(TOKEN), ...load(half * 16, BLOCK_MEMORY), ...set(V + half)]),
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
    ...[...get(START), ...set(AT), ...get(ROWS), ...set(TOKEN)],
    ...loopWhileBelow(AT, get(END), token),
    ...forEachOutput((local, offset) => [...get(COLUMN), ...get(local), ...store(offset)]),
    ...increase(ROWS, 32),
    ...increase(COLUMN, 32),
  ];
  const locals: [number, number][] = [
    [2, I32],
    [11, V128],
  ];
  // The last parameter has no use where there are no scales.
  const body = [...[...constant(0), ...set(COLUMN)], ...loopWhileBelow(COLUMN, constant(row), columns)];
  return { name: 'accumulate', parameters: BLOCK_PARAMETERS, locals, body };
}

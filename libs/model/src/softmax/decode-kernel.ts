import {
  ADD,
  ADD_INTEGERS,
  assemble,
  constant,
  DIV,
  floats,
  get,
  I32,
  increase,
  integers,
  type KernelFunction,
  load,
  loopWhileBelow,
  MAX,
  MUL,
  MULTIPLY_ADD,
  NEAREST,
  pick,
  set,
  SHIFT_LEFT,
  splatFrom,
  store,
  SUB,
  TO_INTEGERS,
  V128,
  WASM_PAGE_BYTES,
} from '../kernels/assembler.js';

/** Queries that are computed together: the numbers of a vector. */
export const QUERIES = 4;

/** A token's scores. */
export const SCORE_BYTES = QUERIES * 4;

/** Tokens whose keys or values are in the kernel's memory at a time: few enough for a processor's nearest cache. */
export const BLOCK_TOKENS = 32;

/** Where {@link decodeKernel} finds things in its memory: byte addresses. The scores come last, for they grow with the context. */
export interface DecodeLayout {
  queries: number; // [4, D]
  outputs: number; // [4, D]
  block: number; // [32, D]
  scores: number; // [L, 4]
}

/** @param headDim a multiple of 8 */
export function decodeLayout(headDim: number): DecodeLayout {
  const row = headDim * 4;
  const block = 2 * QUERIES * row;
  return { queries: 0, outputs: QUERIES * row, block, scores: block + BLOCK_TOKENS * row };
}

/**
 * Softmax attention of four queries that share their keys and values, as a WebAssembly module. The addresses of scores are counted from the
 * start of all.
 *
 * | export | does |
 * | --- | --- |
 * | `score(at, tokens)` | scores[at…] = block · queriesᵀ, of an even number of tokens |
 * | `normalise(end)` | scores = softmax of all scores below `end`, of each query by itself |
 * | `accumulate(at, end)` | outputs += scores[at…end]ᵀ · block |
 * @param headDim a multiple of 8; it and all addresses are constants of the code
 */
export function decodeKernel(headDim: number): Uint8Array<ArrayBuffer> {
  const layout = decodeLayout(headDim);
  return assemble([score(layout, headDim), normalise(layout), accumulate(layout, headDim)], Math.ceil(layout.scores / WASM_PAGE_BYTES));
}

const QUERY_INDICES = [0, 1, 2, 3];

/** Two tokens at a time, so that a query is read once for both. */
function score({ queries, block, scores }: DecodeLayout, headDim: number): KernelFunction {
  const row = headDim * 4;
  const [AT, END, TOKEN, COLUMN, Q, FIRST, SECOND] = [0, 1, 2, 3, 4, 5, 9];
  const [KEYS, SUMS, T, U] = [[13, 14], [FIRST, SECOND], 15, 16];
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
  /** The four sums of four numbers each, as one vector. */
  const total = (sums: number): number[] => [
    ...[...get(sums), ...get(sums + 1), ...pick(0, 4, 1, 5), ...get(sums), ...get(sums + 1), ...pick(2, 6, 3, 7), ...ADD, ...set(T)],
    ...[
      ...get(sums + 2),
      ...get(sums + 3),
      ...pick(0, 4, 1, 5),
      ...get(sums + 2),
      ...get(sums + 3),
      ...pick(2, 6, 3, 7),
      ...ADD,
      ...set(U),
    ],
    ...[...get(T), ...get(U), ...pick(0, 1, 4, 5), ...get(T), ...get(U), ...pick(2, 3, 6, 7), ...ADD],
  ];
  const twoTokens = [
    ...SUMS.flatMap((sums) => QUERY_INDICES.flatMap((query) => [...floats(0), ...set(sums + query)])),
    ...[...constant(0), ...set(COLUMN)],
    ...loopWhileBelow(COLUMN, constant(row), [
      ...Array.from({ length: unrolled }, (_, index) => fourFloats(index * 16)).flat(),
      ...increase(TOKEN, unrolled * 16),
      ...increase(COLUMN, unrolled * 16),
    ]),
    ...SUMS.flatMap((sums, token) => [...get(AT), ...total(sums), ...store(scores + token * SCORE_BYTES)]),
    ...increase(TOKEN, row), // the other one's
    ...increase(AT, 2 * SCORE_BYTES),
  ];
  const locals: [number, number][] = [
    [2, I32],
    [13, V128],
  ];
  return { name: 'score', parameters: [I32, I32], locals, body: loopWhileBelow(AT, get(END), twoTokens) };
}

/** exp(x) = 2ⁿ · exp(r) with |r| ≤ ln 2 / 2 and a polynomial for the latter (S. Moshier, Cephes, expf): 1e-7 of the value at most. */
const LOG2_E = 1.442695040888963;
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;
const POLYNOMIAL = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1];
/** Below it exp is no normal float32. */
const LEAST_EXPONENT = -87;

function normalise({ scores }: DecodeLayout): KernelFunction {
  const [END, AT, LARGEST, SUM, N, X, P] = [0, 1, 2, 3, 4, 5, 6];
  const forEach = (body: number[]): number[] => [
    ...[...constant(0), ...set(AT)],
    ...loopWhileBelow(AT, get(END), [...body, ...increase(AT, SCORE_BYTES)]),
  ];
  const exp = [
    ...[...get(AT), ...load(scores), ...get(LARGEST), ...SUB, ...floats(LEAST_EXPONENT), ...MAX, ...set(X)],
    ...[...get(X), ...floats(LOG2_E), ...MUL, ...NEAREST, ...set(N)],
    ...[...get(N), ...floats(-LN2_HIGH), ...get(X), ...MULTIPLY_ADD, ...set(X)],
    ...[...get(N), ...floats(-LN2_LOW), ...get(X), ...MULTIPLY_ADD, ...set(X)],
    ...[...floats(POLYNOMIAL[0]!), ...set(P)],
    ...POLYNOMIAL.slice(1).flatMap((coefficient) => [...get(P), ...get(X), ...floats(coefficient), ...MULTIPLY_ADD, ...set(P)]),
    ...[...get(P), ...get(X), ...get(X), ...MUL, ...get(X), ...floats(1), ...ADD, ...MULTIPLY_ADD],
    ...[...get(N), ...TO_INTEGERS, ...integers(127), ...ADD_INTEGERS, ...constant(23), ...SHIFT_LEFT, ...MUL, ...set(P)],
    ...[...get(AT), ...get(P), ...store(scores)],
    ...[...get(SUM), ...get(P), ...ADD, ...set(SUM)],
  ];
  const body = [
    ...[...constant(0), ...load(scores), ...set(LARGEST)],
    ...forEach([...get(LARGEST), ...get(AT), ...load(scores), ...MAX, ...set(LARGEST)]),
    ...[...floats(0), ...set(SUM)],
    ...forEach(exp),
    ...[...floats(1), ...get(SUM), ...DIV, ...set(SUM)],
    ...forEach([...get(AT), ...get(AT), ...load(scores), ...get(SUM), ...MUL, ...store(scores)]),
  ];
  const locals: [number, number][] = [
    [1, I32],
    [5, V128],
  ];
  return { name: 'normalise', parameters: [I32], locals, body };
}

/** Eight numbers of all four outputs at a time: as many as there are registers for. */
function accumulate({ outputs, block, scores }: DecodeLayout, headDim: number): KernelFunction {
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

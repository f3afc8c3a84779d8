import {
  ADD,
  ADD_INTEGERS,
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
  store,
  SUB,
  TO_INTEGERS,
  V128,
} from '../kernels/assembler.js';

/** Queries that are computed together: the numbers of a vector. */
export const QUERIES = 4;
export const QUERY_INDICES = [0, 1, 2, 3];

/** A token's scores. */
export const SCORE_BYTES = QUERIES * 4;

/** Where the kernels of every format find things in their memory: byte addresses. The scores come last, for they grow with the context. */
export interface SoftmaxLayout {
  block: number; // [block tokens, D] keys or values
  /** Where the format has scales. */
  blockScales?: number; // [block tokens]
  outputs: number; // [4, D]
  largest: number; // [4] of the scores so far
  sums: number; // [4] of the weights so far
  scores: number; // [L, 4]
}

/** Adds the four numbers of each of four vectors. @param add of floats or of integers @returns pushes the four sums as one vector */
export function totals(vectors: number, add: number[], spare: [number, number]): number[] {
  const pairs = (first: number): number[] => [
    ...[...get(first), ...get(first + 1), ...pick(0, 4, 1, 5)],
    ...[...get(first), ...get(first + 1), ...pick(2, 6, 3, 7), ...add],
  ];
  const [t, u] = spare;
  return [
    ...[...pairs(vectors), ...set(t), ...pairs(vectors + 2), ...set(u)],
    ...[...get(t), ...get(u), ...pick(0, 1, 4, 5), ...get(t), ...get(u), ...pick(2, 3, 6, 7), ...add],
  ];
}

/** Locals of every `score(at, end)`, of which `twoTokens` moves the first on. */
export const SCORE_LOCALS = { at: 0, token: 2, second: 3, query: 4, sums: [5, 9], keys: [13, 14], spare: [15, 16] as [number, number] };
const SCORE_LARGEST = 17;

/**
 * `score(at, end)`: scores of the block's tokens, two at a time so that a query is read once for both; `largest` takes theirs.
 * @param twoTokens their scores, each token's as a vector in the first of its four {@link SCORE_LOCALS}.sums
 * @param next moves on to the next two, but for the scores' address
 */
export function scoreFunction({ scores, largest }: SoftmaxLayout, twoTokens: number[], next: number[]): KernelFunction {
  const { at, sums } = SCORE_LOCALS;
  const END = 1;
  const keep = sums.flatMap((sum, token) => [
    ...[...get(at), ...get(sum), ...store(scores + token * SCORE_BYTES)],
    ...[...get(SCORE_LARGEST), ...get(sum), ...MAX, ...set(SCORE_LARGEST)],
  ]);
  const body = [
    ...[...constant(0), ...load(largest), ...set(SCORE_LARGEST)],
    ...loopWhileBelow(at, get(END), [...twoTokens, ...keep, ...next, ...increase(at, 2 * SCORE_BYTES)]),
    ...[...constant(0), ...get(SCORE_LARGEST), ...store(largest)],
  ];
  const locals: [number, number][] = [
    [2, I32],
    [14, V128],
  ];
  return { name: 'score', parameters: [I32, I32], locals, body };
}

/** exp(x) = 2ⁿ · exp(r) with |r| ≤ ln 2 / 2 and a polynomial for the latter (S. Moshier, Cephes, expf): 1e-7 of the value at most. */
const LOG2_E = 1.442695040888963;
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;
const POLYNOMIAL = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1];
/** Below it exp is no normal float32. */
const LEAST_EXPONENT = -87;

/** `exponentiate(at, end)`: scores[at…end] = exp(score − largest), which `sums` takes. */
export function exponentiate({ scores, largest, sums }: SoftmaxLayout): KernelFunction {
  const [AT, END, LARGEST, SUM, N, X, P] = [0, 1, 2, 3, 4, 5, 6];
  // A constant inside a loop would be made anew each time.
  const prepare: number[] = [];
  let numLocals = 7;
  const kept = (value: number[]): number[] => {
    const local = numLocals++;
    prepare.push(...value, ...set(local));
    return get(local);
  };
  const least = kept(floats(LEAST_EXPONENT));
  const log2e = kept(floats(LOG2_E));
  const [minusHigh, minusLow] = [kept(floats(-LN2_HIGH)), kept(floats(-LN2_LOW))];
  const coefficients = POLYNOMIAL.map((coefficient) => kept(floats(coefficient)));
  const [one, bias] = [kept(floats(1)), kept(integers(127))];
  const exp = [
    ...[...get(AT), ...load(scores), ...get(LARGEST), ...SUB, ...least, ...MAX, ...set(X)],
    ...[...get(X), ...log2e, ...MUL, ...NEAREST, ...set(N)],
    ...[...get(N), ...minusHigh, ...get(X), ...MULTIPLY_ADD, ...set(X)],
    ...[...get(N), ...minusLow, ...get(X), ...MULTIPLY_ADD, ...set(X)],
    ...[...coefficients[0]!, ...set(P)],
    ...coefficients.slice(1).flatMap((coefficient) => [...get(P), ...get(X), ...coefficient, ...MULTIPLY_ADD, ...set(P)]),
    ...[...get(P), ...get(X), ...get(X), ...MUL, ...get(X), ...one, ...ADD, ...MULTIPLY_ADD],
    ...[...get(N), ...TO_INTEGERS, ...bias, ...ADD_INTEGERS, ...constant(23), ...SHIFT_LEFT, ...MUL, ...set(P)],
    ...[...get(AT), ...get(P), ...store(scores)],
    ...[...get(SUM), ...get(P), ...ADD, ...set(SUM)],
    ...increase(AT, SCORE_BYTES),
  ];
  const body = [
    ...prepare,
    ...[...constant(0), ...load(largest), ...set(LARGEST), ...floats(0), ...set(SUM)],
    ...loopWhileBelow(AT, get(END), exp),
    ...[...constant(0), ...constant(0), ...load(sums), ...get(SUM), ...ADD, ...store(sums)],
  ];
  return { name: 'exponentiate', parameters: [I32, I32], locals: [[numLocals - 2, V128]], body };
}

/** `finish()`: outputs /= sums. */
export function finish({ outputs, sums }: SoftmaxLayout, headDim: number): KernelFunction {
  const [AT, SCALES] = [0, 1];
  const row = headDim * 4;
  const scaled = (query: number): number[] => {
    const scale = [...get(SCALES), ...get(SCALES), ...pick(...(Array(4).fill(query) as [number, number, number, number]))];
    const at = outputs + query * row;
    return [...get(AT), ...get(AT), ...load(at), ...scale, ...MUL, ...store(at)];
  };
  const body = [
    ...[...floats(1), ...constant(0), ...load(sums), ...DIV, ...set(SCALES)],
    ...loopWhileBelow(AT, constant(row), [...QUERY_INDICES.flatMap(scaled), ...increase(AT, 16)]),
  ];
  const locals: [number, number][] = [
    [1, I32],
    [1, V128],
  ];
  return { name: 'finish', parameters: [], locals, body };
}

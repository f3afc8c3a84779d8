import {
  ADD,
  ADD_INTEGERS,
  ANY,
  call,
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
  NOT_EQUAL,
  onlyIf,
  pick,
  set,
  SHIFT_LEFT,
  store,
  SUB,
  TO_INTEGERS,
  V128,
} from '../kernels/assembler.js';
import { QUERY_INDICES, SCORE_BYTES, type SoftmaxLayout } from './softmax-kernel.js';

/**
 * The softmax of scores that come block by block, in one pass over keys and values: weights are relative to the largest score so far, and what was
 * summed up is scaled down when a larger one comes (M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", 2018; T. Dao et
 * al., FlashAttention, 2022).
 *
 * `attend(end, evenEnd, keys, keyScales, values, valueScales)` adds a block; `finish()` divides by the weights' sum.
 * @param score `score(end, rows, scales)` @param accumulate `accumulate(end, rows, scales)` adds weightsᵀ · rows to the outputs
 */
export function onlineSoftmax(layout: SoftmaxLayout, headDim: number, score: KernelFunction, accumulate: KernelFunction): KernelFunction[] {
  const [END, EVEN_END, KEYS, KEY_SCALES, VALUES, VALUE_SCALES] = [0, 1, 2, 3, 4, 5];
  const body = [
    ...[...get(EVEN_END), ...get(KEYS), ...get(KEY_SCALES), ...call(0)],
    ...call(1),
    ...[...get(END), ...call(2)],
    ...[...get(EVEN_END), ...get(VALUES), ...get(VALUE_SCALES), ...call(3)],
  ];
  const attend = { name: 'attend', parameters: [I32, I32, I32, I32, I32, I32], locals: [], body };
  return [score, rescale(layout, headDim), exponentiate(layout), accumulate, attend, finish(layout, headDim)];
}

/** `rescale()`: takes the block's largest score into account. */
function rescale({ outputs, largest, blockLargest, sums }: SoftmaxLayout, headDim: number): KernelFunction {
  const [AT, OLD, NEW, FACTOR] = [0, 1, 2, 3];
  const exponential = new Exponential(4);
  const scaleDown = [
    ...exponential.prepare,
    ...[...get(OLD), ...get(NEW), ...SUB, ...exponential.of, ...set(FACTOR)],
    ...[...constant(0), ...get(NEW), ...store(largest)],
    ...[...constant(0), ...constant(0), ...load(sums), ...get(FACTOR), ...MUL, ...store(sums)],
    ...timesRows(outputs, headDim, AT, FACTOR),
  ];
  const body = [
    ...[...constant(0), ...load(largest), ...set(OLD)],
    ...[...get(OLD), ...constant(0), ...load(blockLargest), ...MAX, ...set(NEW)],
    ...onlyIf([...get(OLD), ...get(NEW), ...NOT_EQUAL, ...ANY], scaleDown),
  ];
  const locals: [number, number][] = [
    [1, I32],
    [exponential.numLocals + 3, V128],
  ];
  return { name: 'rescale', parameters: [], locals, body };
}

/** `exponentiate(end)`: scores = exp(score − largest), which `sums` takes; the one after the last, that an even number may need, is zero. */
function exponentiate({ scores, largest, sums }: SoftmaxLayout): KernelFunction {
  const [END, AT, LARGEST, SUM, P] = [0, 1, 2, 3, 4];
  const exponential = new Exponential(5);
  const token = [
    ...[...get(AT), ...load(scores), ...get(LARGEST), ...SUB, ...exponential.of, ...set(P)],
    ...[...get(AT), ...get(P), ...store(scores)],
    ...[...get(SUM), ...get(P), ...ADD, ...set(SUM)],
    ...increase(AT, SCORE_BYTES),
  ];
  const body = [
    ...exponential.prepare,
    ...[...constant(0), ...load(largest), ...set(LARGEST), ...constant(0), ...load(sums), ...set(SUM)],
    ...loopWhileBelow(AT, get(END), token),
    ...[...constant(0), ...get(SUM), ...store(sums)],
    ...[...get(AT), ...floats(0), ...store(scores)],
  ];
  const locals: [number, number][] = [
    [1, I32],
    [exponential.numLocals + 3, V128],
  ];
  return { name: 'exponentiate', parameters: [I32], locals, body };
}

/** `finish()`: outputs /= sums. */
function finish({ outputs, sums }: SoftmaxLayout, headDim: number): KernelFunction {
  const [AT, SCALES] = [0, 1];
  const body = [...[...floats(1), ...constant(0), ...load(sums), ...DIV, ...set(SCALES)], ...timesRows(outputs, headDim, AT, SCALES)];
  const locals: [number, number][] = [
    [1, I32],
    [1, V128],
  ];
  return { name: 'finish', parameters: [], locals, body };
}

/** Each query's row [D] times its number in the vector `factors`. @param at a local that is 0 */
function timesRows(rows: number, headDim: number, at: number, factors: number): number[] {
  const row = headDim * 4;
  const scaled = (query: number): number[] => {
    const factor = [...get(factors), ...get(factors), ...pick(query, query, query, query)];
    const address = rows + query * row;
    return [...get(at), ...get(at), ...load(address), ...factor, ...MUL, ...store(address)];
  };
  return loopWhileBelow(at, constant(row), [...QUERY_INDICES.flatMap(scaled), ...increase(at, 16)]);
}

/** exp(x) = 2ⁿ · exp(r) with |r| ≤ ln 2 / 2 and a polynomial for the latter (S. Moshier, Cephes, expf): 1e-7 of the value at most. */
const LOG2_E = 1.442695040888963;
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;
const POLYNOMIAL = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1];
/** Below it a weight adds nothing to a sum of 1 and more. It is far from where float32 has no normal numbers, with which processors are slow. */
const LEAST_EXPONENT = -60;

/** The exponential function of a vector, for x ≤ 0; NaN stays NaN. */
class Exponential {
  /** Fills locals with the constants: within a loop each of them would be made anew. */
  readonly prepare: number[] = [];
  /** Replaces the vector that was pushed. */
  readonly of: number[];
  /** Vectors that it needs, from `firstLocal` on. */
  numLocals = 0;

  constructor(private readonly firstLocal: number) {
    const [n, x, p] = [this.local(), this.local(), this.local()];
    const least = this.kept(floats(LEAST_EXPONENT));
    const log2e = this.kept(floats(LOG2_E));
    const [minusHigh, minusLow] = [this.kept(floats(-LN2_HIGH)), this.kept(floats(-LN2_LOW))];
    const coefficients = POLYNOMIAL.map((coefficient) => this.kept(floats(coefficient)));
    const [one, bias] = [this.kept(floats(1)), this.kept(integers(127))];
    this.of = [
      ...[...least, ...MAX, ...set(x)],
      ...[...get(x), ...log2e, ...MUL, ...NEAREST, ...set(n)],
      ...[...get(n), ...minusHigh, ...get(x), ...MULTIPLY_ADD, ...set(x)],
      ...[...get(n), ...minusLow, ...get(x), ...MULTIPLY_ADD, ...set(x)],
      ...[...coefficients[0]!, ...set(p)],
      ...coefficients.slice(1).flatMap((coefficient) => [...get(p), ...get(x), ...coefficient, ...MULTIPLY_ADD, ...set(p)]),
      ...[...get(p), ...get(x), ...get(x), ...MUL, ...get(x), ...one, ...ADD, ...MULTIPLY_ADD],
      ...[...get(n), ...TO_INTEGERS, ...bias, ...ADD_INTEGERS, ...constant(23), ...SHIFT_LEFT, ...MUL],
    ];
  }

  private kept(value: number[]): number[] {
    const local = this.local();
    this.prepare.push(...value, ...set(local));
    return get(local);
  }

  private local(): number {
    return this.firstLocal + this.numLocals++;
  }
}

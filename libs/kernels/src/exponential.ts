import {
  ADD,
  ADD_INTEGERS,
  constant,
  floats,
  get,
  integers,
  MAX,
  MUL,
  MULTIPLY_ADD,
  NEAREST,
  set,
  SHIFT_LEFT,
  TO_INTEGERS,
} from './assembler.js';

/** exp(x) = 2ⁿ · exp(r) with |r| ≤ ln 2 / 2 and a polynomial for the latter (S. Moshier, Cephes, expf): 1e-7 of the value at most. */
const LOG2_E = 1.442695040888963;
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;
const POLYNOMIAL = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1];
/** Below it a weight adds nothing to a sum of 1 and more. It is far from where float32 has no normal numbers, with which processors are slow. */
const LEAST_EXPONENT = -60;

/** The exponential function of a vector, for x ≤ 0; NaN stays NaN. */
export class Exponential {
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

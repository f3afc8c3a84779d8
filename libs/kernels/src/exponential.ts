import { ADD, ADD_INTEGERS, constant, floats, get, integers, MAX, MUL, MULTIPLY_ADD, set, SHIFT_LEFT, SUB } from './assembler.js';

/** exp(x) = 2ⁿ · exp(r) with |r| ≤ ln 2 / 2 and a polynomial for the latter (S. Moshier, Cephes, expf): 1e-7 of the value at most. */
const LOG2_E = 1.442695040888963;
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;
const POLYNOMIAL = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1];
/** Below it a weight adds nothing to a sum of 1 and more. It is far from where float32 has no normal numbers, with which processors are slow. */
const LEAST_EXPONENT = -60;

/** 1.5 · 2²³: a float32 that is this much larger than a small number has the nearest integer in its lowest bits. */
const NEAREST_BITS = 12_582_912;

/** The exponential function of a vector, or of each of several, for x ≤ 0; NaN stays NaN. */
export class Exponential {
  /** Fills locals with the constants: within a loop each of them would be made anew. */
  readonly prepare: number[] = [];
  /** Vectors that it needs, from `firstLocal` on. */
  numLocals = 0;
  private readonly constants;
  private readonly scratch;

  constructor(
    private readonly firstLocal: number,
    numVectors = 1,
  ) {
    this.constants = {
      least: this.kept(floats(LEAST_EXPONENT)),
      log2e: this.kept(floats(LOG2_E)),
      nearestBits: this.kept(floats(NEAREST_BITS)),
      minusHigh: this.kept(floats(-LN2_HIGH)),
      minusLow: this.kept(floats(-LN2_LOW)),
      coefficients: POLYNOMIAL.map((coefficient) => this.kept(floats(coefficient))),
      one: this.kept(floats(1)),
      bias: this.kept(integers(127)),
    };
    this.scratch = Array.from({ length: numVectors }, () => ({ bits: this.local(), n: this.local(), x: this.local(), p: this.local() }));
  }

  /** Replaces the vector that was pushed. @param vector which of those that are at hand at the same time */
  of(vector = 0): number[] {
    const { bits, n, x, p } = this.scratch[vector]!;
    const { least, log2e, nearestBits, minusHigh, minusLow, coefficients, one, bias } = this.constants;
    return [
      ...[...least, ...MAX, ...set(x)],
      ...[...get(x), ...log2e, ...nearestBits, ...MULTIPLY_ADD, ...set(bits), ...get(bits), ...nearestBits, ...SUB, ...set(n)],
      ...[...get(n), ...minusHigh, ...get(x), ...MULTIPLY_ADD, ...set(x)],
      ...[...get(n), ...minusLow, ...get(x), ...MULTIPLY_ADD, ...set(x)],
      ...[...coefficients[0]!, ...set(p)],
      ...coefficients.slice(1).flatMap((coefficient) => [...get(p), ...get(x), ...coefficient, ...MULTIPLY_ADD, ...set(p)]),
      ...[...get(p), ...get(x), ...get(x), ...MUL, ...get(x), ...one, ...ADD, ...MULTIPLY_ADD],
      ...[...get(bits), ...bias, ...ADD_INTEGERS, ...constant(23), ...SHIFT_LEFT, ...MUL], // 2ⁿ: the bits above those of n are shifted out
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

/**
 * Where the weight of largest magnitude may land, in steps. The codes' lower limit (−8, −128) gives the finest steps that clip nothing; with
 * 4 bits, clipping the largest weight (−9) or sparing its opposite (−7) is often better. On normal and heavy-tailed weights these five come
 * within 2 % of the squared error of a hundred, and 11 % below −8 alone.
 */
const PEAK_LEVELS = { 4: [-9, -8.5, -8, -7.5, -7], 8: [-128] } as const;

/**
 * Chooses signed codes and the scale for one block so that scale × codes comes close to the weights in squared error: each candidate's
 * scale is refitted to its codes by least squares. The only place that knows how codes are chosen.
 * @param codes receives end − start codes
 * @returns the scale; not finite where a weight is not
 */
export function fitBlock(weights: Float32Array, start: number, end: number, bits: 4 | 8, codes: Int8Array): number {
  const peak = peakOf(weights, start, end);
  if (peak === 0) return 0;
  const levels: readonly number[] = PEAK_LEVELS[bits];
  let bestSteps = levels[0]! / peak;
  let bestGain = -Infinity;
  for (let i = 0; i < levels.length && levels.length > 1; i++) {
    const steps = levels[i]! / peak;
    const gain = gainOf(weights, start, end, steps, bits);
    if (gain > bestGain) {
      bestGain = gain;
      bestSteps = steps;
    }
  }
  return roundBlock(weights, start, end, bestSteps, bits, codes);
}

/** The weight of largest magnitude, with its sign; NaN where there is one. */
function peakOf(weights: Float32Array, start: number, end: number): number {
  let peak = 0;
  for (let i = start; i < end; i++) {
    const weight = weights[i]!;
    if (Math.abs(weight) <= Math.abs(peak)) continue;
    if (Number.isNaN(weight)) return NaN;
    peak = weight;
  }
  return peak;
}

/**
 * By how much codes of weights × steps, at their best scale s, lower the squared error: Σw² − Σ(w − s·c)² = (Σw·c)² / Σc². Apart from
 * {@link roundBlock}, for storing codes would make this pass three times as long.
 */
function gainOf(weights: Float32Array, start: number, end: number, steps: number, bits: 4 | 8): number {
  const limit = 2 ** (bits - 1);
  let weightByCode = 0;
  let codeByCode = 0;
  for (let i = start; i < end; i++) {
    const weight = weights[i]!;
    const code = roundToCode(weight * steps, limit);
    weightByCode += weight * code;
    codeByCode += code * code;
  }
  return (weightByCode * weightByCode) / codeByCode;
}

/** @returns the scale s that minimises Σ(w − s·c)² */
function roundBlock(weights: Float32Array, start: number, end: number, steps: number, bits: 4 | 8, codes: Int8Array): number {
  const limit = 2 ** (bits - 1);
  let weightByCode = 0;
  let codeByCode = 0;
  for (let i = start; i < end; i++) {
    const weight = weights[i]!;
    const code = roundToCode(weight * steps, limit);
    codes[i - start] = code;
    weightByCode += weight * code;
    codeByCode += code * code;
  }
  return weightByCode / codeByCode;
}

/** Rounds to −limit … limit − 1. Shifted up, truncation rounds what is in range: several times as fast as Math.round. */
function roundToCode(value: number, limit: number): number {
  const shifted = Math.trunc(value + limit + 0.5);
  return (shifted < 0 ? 0 : shifted > 2 * limit - 1 ? 2 * limit - 1 : shifted) - limit;
}

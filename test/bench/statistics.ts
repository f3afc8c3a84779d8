/** Median, least and most of some values. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** @param values one at least */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** `17.3 (15.7–19.8)` */
export function showSpread({ median, min, max }: Spread, digits: number): string {
  const show = (value: number): string => value.toFixed(digits);
  return `${show(median)} (${show(min)}–${show(max)})`;
}

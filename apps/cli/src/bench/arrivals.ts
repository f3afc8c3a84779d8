/** A generator of numbers in [0, 1) that a seed determines (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type ArrivalKind = 'poisson' | 'constant';

/**
 * When each request is meant to be sent, in milliseconds from the start.
 * @param rate requests a second; Infinity sends all at once
 */
export function arrivalTimes(kind: ArrivalKind, rate: number, count: number, random: () => number): number[] {
  let at = 0;
  return Array.from({ length: count }, (_, index) => {
    if (index > 0) at += (kind === 'poisson' ? -Math.log(1 - random()) : 1) * (1000 / rate);
    return at;
  });
}

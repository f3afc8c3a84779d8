import { uniform } from '@ringmesh/sampler';

/** Numbers in [0, 1), one after another, that a seed determines. */
export function seededRandom(seed: number): () => number {
  let index = 0;
  return () => uniform(seed, index++);
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

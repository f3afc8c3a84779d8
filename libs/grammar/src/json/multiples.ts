import { GrammarInvalidError } from '@ringmesh/core';
import type { Dfa } from '../regex/dfa.js';
import type { Decimal } from './decimal.js';

const MAX_FACTOR = 1_000;
const ZERO = 0x30;

/** Whole numbers, with a sign or not, that a whole number divides: a state a remainder. @throws GrammarInvalidError for large ones */
export function multiplesOf({ integer }: Decimal): Dfa {
  const factor = Number(integer);
  if (factor > MAX_FACTOR) throw new GrammarInvalidError(`"multipleOf" may be ${MAX_FACTOR} at most`);
  const digits = (remainder: number): number[] => {
    return Array.from({ length: 10 }, (_, digit) => [ZERO + digit, ZERO + digit, (remainder * 10 + digit) % factor]).flat();
  };
  const [afterSign, start] = [factor, factor + 1];
  const minus = '-'.charCodeAt(0);
  return {
    start,
    edges: [...Array.from({ length: factor }, (_, remainder) => digits(remainder)), digits(0), [minus, minus, afterSign, ...digits(0)]],
    accepts: Array.from({ length: factor + 2 }, (_, state) => state === 0),
  };
}

import { GrammarInvalidError } from '@ringmesh/core';
import type { Budget } from '../machine/budget.js';
import { utf8Sequences } from '../regex/byte-sequences.js';
import { compileRegex } from '../regex/compile-regex.js';
import type { Dfa } from '../regex/dfa.js';
import { product } from '../regex/product.js';
import { choice, type Regex, sequence, text } from '../regex/regex.js';
import { type Decimal, decimalOf } from './decimal.js';
import { Magnitudes } from './magnitudes.js';
import { multiplesOf } from './multiples.js';

export interface Bound {
  value: number;
  isExclusive: boolean;
}

export interface NumberLimits {
  isInteger: boolean;
  lower?: Bound | undefined;
  upper?: Bound | undefined;
  multipleOf?: number | undefined;
}

/** Digits that a double holds whatever they are: a text with no more of them is as far from a bound as it looks. */
const EXACT_DIGITS = 15;
const MAX_FRACTION_DIGITS = 20;

/**
 * Numbers within bounds, without exponents. Integers are those that a double holds exactly, unless a bound goes farther. Negative zero is left out.
 * @returns undefined where there are none
 * @throws GrammarInvalidError, GrammarTooComplexError
 */
export function compileNumber({ isInteger, lower, upper, multipleOf = 0 }: NumberLimits, budget: Budget): Dfa | undefined {
  const factor = multipleOf === 0 ? undefined : decimalOf(multipleOf);
  const isSafe = isInteger && [lower, upper].every((given) => Number.isSafeInteger(Math.trunc(given?.value ?? 0)));
  const low = bound(lower, isSafe ? Number.MIN_SAFE_INTEGER : undefined);
  const high = bound(upper, isSafe ? Number.MAX_SAFE_INTEGER : undefined);
  const magnitudes = new Magnitudes(fractionDigits(isInteger, factor, [low, high]));
  const compile = (regex: Regex): Dfa | undefined => compileRegex(regex, utf8Sequences, budget);

  let dfa = compile(choice(magnitudes.any, sequence(text('-'), magnitudes.atLeast(ZERO, true))));
  const both = (other: Dfa | undefined): Dfa | undefined => dfa && other && product(dfa, other, 'both', budget);
  if (low !== undefined) dfa = both(compile(atLeast(low, magnitudes)));
  if (high !== undefined) dfa = both(compile(atLeast(negated(high), magnitudes, true)));
  if (factor !== undefined && factor.fraction === '' && factor.integer !== '1') dfa = both(multiplesOf(factor));
  return dfa;
}

type DecimalBound = Decimal & { isExclusive: boolean };

const ZERO: Decimal = { isNegative: false, integer: '0', fraction: '' };

function bound(given: Bound | undefined, otherwise: number | undefined): DecimalBound | undefined {
  if (given !== undefined) return { ...decimalOf(given.value), isExclusive: given.isExclusive };
  return otherwise === undefined ? undefined : { ...decimalOf(otherwise), isExclusive: false };
}

function negated<T extends Decimal>(decimal: T): T {
  return { ...decimal, isNegative: !decimal.isNegative };
}

/** The numbers from a bound on; or, mirrored, the numbers whose negatives these are. */
function atLeast(low: DecimalBound, magnitudes: Magnitudes, isMirrored = false): Regex {
  const [plus, minus] = isMirrored ? ['-', ''] : ['', '-'];
  const isNegative = low.isNegative && (low.integer !== '0' || low.fraction !== '');
  if (!isNegative) return withZero(sequence(text(plus), magnitudes.atLeast(low, low.isExclusive)), low, isMirrored);
  return choice(sequence(text(minus), magnitudes.atMost(low, low.isExclusive)), sequence(text(plus), magnitudes.any));
}

/** Zero has no sign: mirrored, it is the same. */
function withZero(regex: Regex, { integer, fraction, isExclusive }: DecimalBound, isMirrored: boolean): Regex {
  return isMirrored && integer === '0' && fraction === '' && !isExclusive ? choice(regex, text('0')) : regex;
}

function fractionDigits(isInteger: boolean, factor: Decimal | undefined, bounds: (Decimal | undefined)[]): number {
  if (factor !== undefined && factor.fraction !== '' && (factor.integer !== '0' || !/^0*1$/.test(factor.fraction))) {
    throw new GrammarInvalidError('"multipleOf" is supported for whole numbers and for 0.1, 0.01, …');
  }
  if (isInteger || (factor !== undefined && factor.fraction === '')) return 0;
  if (factor !== undefined) return factor.fraction.length;
  const given = bounds.filter((decimal) => decimal !== undefined);
  const exact = EXACT_DIGITS - Math.max(1, ...given.map(({ integer }) => integer.length));
  return Math.min(MAX_FRACTION_DIGITS, Math.max(1, exact, ...given.map(({ fraction }) => fraction.length)));
}

import { choice, DIGIT, optional, range, type Regex, repeat, sequence, text } from '../regex/regex.js';
import type { Decimal } from './decimal.js';

const MAX_INTEGER_DIGITS = 21;
const NONZERO = range('1', '9');
const NOTHING = choice();
const ZERO = '0';

/** Non-negative decimals with at most so many digits after the point, by size. The sign of a bound is not looked at. */
export class Magnitudes {
  readonly any: Regex;
  private readonly anyFraction: Regex;

  constructor(private readonly maxFraction: number) {
    this.anyFraction = maxFraction === 0 ? sequence() : optional(sequence(text('.'), repeat(DIGIT, 1, maxFraction)));
    this.any = sequence(choice(text(ZERO), sequence(NONZERO, repeat(DIGIT, 0, MAX_INTEGER_DIGITS - 1))), this.anyFraction);
  }

  atLeast({ integer, fraction }: Decimal, isExclusive: boolean): Regex {
    const next = String(BigInt(integer) + 1n);
    const longer = repeatLonger(next.length);
    const larger = sequence(choice(digitsFrom(next), longer), this.anyFraction);
    return choice(larger, sequence(text(integer), this.fractionFrom(fraction, isExclusive)));
  }

  atMost({ integer, fraction }: Decimal, isExclusive: boolean): Regex {
    const same = sequence(text(integer), this.fractionUpTo(fraction, isExclusive));
    if (integer === ZERO) return same;
    const last = String(BigInt(integer) - 1n);
    const shorter = last.length === 1 ? NOTHING : choice(text(ZERO), sequence(NONZERO, repeat(DIGIT, 0, last.length - 2)));
    return choice(sequence(choice(digitsUpTo(last), shorter), this.anyFraction), same);
  }

  private fractionFrom(digits: string, isExclusive: boolean): Regex {
    if (digits === '' && !isExclusive) return this.anyFraction;
    if (this.maxFraction === 0) return NOTHING;
    return sequence(text('.'), fractionDigitsFrom(digits, isExclusive, this.maxFraction));
  }

  private fractionUpTo(digits: string, isExclusive: boolean): Regex {
    const isZero = digits === '';
    if (isZero && isExclusive) return NOTHING;
    if (this.maxFraction === 0) return sequence();
    return optional(sequence(text('.'), fractionDigitsUpTo(digits, isExclusive, this.maxFraction)));
  }
}

/** Integers of more digits than this. */
function repeatLonger(digits: number): Regex {
  return digits >= MAX_INTEGER_DIGITS ? NOTHING : sequence(NONZERO, repeat(DIGIT, digits, MAX_INTEGER_DIGITS - 1));
}

/** As many digits, and no smaller. */
function digitsFrom(digits: string): Regex {
  if (digits === '') return sequence();
  const [first, rest] = [digits[0]!, digits.slice(1)];
  const larger = first === '9' ? NOTHING : sequence(range(up(first), '9'), repeat(DIGIT, rest.length, rest.length));
  return choice(sequence(text(first), digitsFrom(rest)), larger);
}

/** As many digits, the first of several no zero, and no larger. */
function digitsUpTo(digits: string, least = digits.length > 1 ? '1' : ZERO): Regex {
  if (digits === '') return sequence();
  const [first, rest] = [digits[0]!, digits.slice(1)];
  const smaller = first <= least ? NOTHING : sequence(range(least, down(first)), repeat(DIGIT, rest.length, rest.length));
  return choice(sequence(text(first), digitsUpTo(rest, ZERO)), smaller);
}

/** Digits after a point, at least one and at most `room`, that are no smaller than these. */
function fractionDigitsFrom(digits: string, isExclusive: boolean, room: number): Regex {
  if (room === 0) return NOTHING;
  if (digits === '') {
    if (!isExclusive) return repeat(DIGIT, 1, room);
    return choice(sequence(NONZERO, repeat(DIGIT, 0, room - 1)), sequence(text(ZERO), fractionDigitsFrom('', true, room - 1)));
  }
  const [first, rest] = [digits[0]!, digits.slice(1)];
  const larger = first === '9' ? NOTHING : sequence(range(up(first), '9'), repeat(DIGIT, 0, room - 1));
  const ended = rest === '' && !isExclusive ? sequence() : NOTHING;
  return choice(larger, sequence(text(first), choice(ended, fractionDigitsFrom(rest, isExclusive, room - 1))));
}

/** Digits after a point, at least one and at most `room`, that are no larger than these. */
function fractionDigitsUpTo(digits: string, isExclusive: boolean, room: number): Regex {
  if (room === 0) return NOTHING;
  if (digits === '') return isExclusive ? NOTHING : repeat(text(ZERO), 1, room);
  const [first, rest] = [digits[0]!, digits.slice(1)];
  const smaller = first === ZERO ? NOTHING : sequence(range(ZERO, down(first)), repeat(DIGIT, 0, room - 1));
  const ended = rest === '' && isExclusive ? NOTHING : sequence();
  return choice(smaller, sequence(text(first), choice(ended, fractionDigitsUpTo(rest, isExclusive, room - 1))));
}

const up = (digit: string): string => String(Number(digit) + 1);
const down = (digit: string): string => String(Number(digit) - 1);

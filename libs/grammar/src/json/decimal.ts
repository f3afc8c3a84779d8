import { GrammarInvalidError } from '@ringmesh/core';

/** A number as its decimal digits: `integer` without leading zeros, `fraction` without trailing ones. */
export interface Decimal {
  isNegative: boolean;
  integer: string;
  fraction: string;
}

const MAX_DIGITS = 21;

/** @throws GrammarInvalidError for numbers of more than 21 digits before or after the point */
export function decimalOf(value: number): Decimal {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value))!;
  const shift = Number(exponent);
  const digits = whole! + fraction;
  const point = whole!.length + shift;
  if (Math.abs(shift) > MAX_DIGITS || point > MAX_DIGITS) {
    throw new GrammarInvalidError(`the bound ${value} has more than ${MAX_DIGITS} digits before or after the point`);
  }
  const padded = digits.padStart(digits.length + Math.max(0, -point), '0').padEnd(Math.max(point, digits.length), '0');
  const split = Math.max(0, point);
  return {
    isNegative: sign === '-',
    integer: padded.slice(0, split).replace(/^0+(?=\d)/, '') || '0',
    fraction: padded.slice(split).replace(/0+$/, ''),
  };
}

import { GrammarInvalidError } from '@ringmesh/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget } from '../machine/budget.js';
import type { Dfa } from '../regex/dfa.js';
import { type Bound, compileNumber, type NumberLimits } from './number-rule.js';

function accepts({ start, edges, accepts: ends }: Dfa, text: string): boolean {
  let state: number | undefined = start;
  for (const byte of Buffer.from(text)) {
    const own: number[] = edges[state]!;
    const edge = own.findIndex((_, index) => index % 3 === 0 && own[index]! <= byte && byte <= own[index + 1]!);
    if (edge === -1) return false;
    state = own[edge + 2]!;
  }
  return ends[state]!;
}

const within = (value: number, { lower, upper }: NumberLimits): boolean => {
  const above = lower === undefined || (lower.isExclusive ? value > lower.value : value >= lower.value);
  return above && (upper === undefined || (upper.isExclusive ? value < upper.value : value <= upper.value));
};
const bounds = (value: fc.Arbitrary<number>): fc.Arbitrary<Bound> => fc.record({ value, isExclusive: fc.boolean() });

describe('integers within bounds', () => {
  it('are exactly those', () => {
    const integer = fc.oneof(fc.integer({ min: -1200, max: 1200 }), fc.integer({ min: -25, max: 25 }), fc.maxSafeInteger());
    const bound = bounds(
      fc.oneof(
        integer,
        fc.integer({ min: -400, max: 400 }).map((n) => n / 8),
      ),
    );
    fc.assert(
      fc.property(fc.option(bound, { nil: undefined }), fc.option(bound, { nil: undefined }), fc.array(integer), (lower, upper, values) => {
        const limits = { isInteger: true, lower, upper };
        const dfa = compileNumber(limits, new Budget());
        const near = [lower, upper].flatMap((given) =>
          given === undefined ? [] : [-2, -1, 0, 1, 2].map((step) => Math.round(given.value) + step),
        );
        for (const value of [...values, ...near].filter(Number.isSafeInteger)) {
          expect(dfa !== undefined && accepts(dfa, String(value + 0)), `${value}`).toBe(within(value, limits));
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('are multiples where that is asked for', () => {
    const dfa = compileNumber(
      { isInteger: true, lower: { value: -100, isExclusive: false }, upper: { value: 1000, isExclusive: false }, multipleOf: 7 },
      new Budget(),
    )!;
    for (let value = -110; value <= 1010; value++)
      expect(accepts(dfa, String(value)), `${value}`).toBe(value >= -100 && value <= 1000 && value % 7 === 0);
  });

  it.each(['-0', '007', '+1', '1.0', '1e3', ''])('are not written %j', (text) => {
    expect(accepts(compileNumber({ isInteger: true }, new Budget())!, text)).toBe(false);
  });
});

describe('numbers within bounds', () => {
  it('are exactly those, in digits', () => {
    const decimal = fc
      .tuple(fc.integer({ min: -300_000, max: 300_000 }), fc.integer({ min: 0, max: 5 }))
      .map(([n, places]) => n / 10 ** places);
    fc.assert(
      fc.property(
        fc.option(bounds(decimal), { nil: undefined }),
        fc.option(bounds(decimal), { nil: undefined }),
        fc.array(decimal),
        (lower, upper, values) => {
          fc.pre(lower !== undefined || upper !== undefined);
          const limits = { isInteger: false, lower, upper };
          const dfa = compileNumber(limits, new Budget());
          const near = [lower, upper].flatMap((given) =>
            given === undefined ? [] : [0, 1e-5, -1e-5, 1, -1].map((step) => Number((given.value + step).toFixed(6))),
          );
          for (const value of [...values, ...near].filter((candidate) => !String(candidate).includes('e'))) {
            expect(dfa !== undefined && accepts(dfa, String(value + 0)), `${value}`).toBe(within(value, limits));
          }
        },
      ),
      { numRuns: 500, seed: 2 },
    );
  });

  it.each([
    ['0.50', true],
    ['0.5', true],
    ['0.500001', false],
    ['0', false],
    ['0.0', false],
    ['0.000', false],
    ['0.01', true],
    ['-0', false],
    ['-0.0', false],
    ['.5', false],
    ['0.', false],
  ])('%s above 0 and up to 0.5: %s', (text, expected) => {
    const dfa = compileNumber(
      { isInteger: false, lower: { value: 0, isExclusive: true }, upper: { value: 0.5, isExclusive: false } },
      new Budget(),
    )!;
    expect(accepts(dfa, text)).toBe(expected);
  });

  it('have as many digits as a power of ten allows', () => {
    const dfa = compileNumber({ isInteger: false, lower: { value: 0, isExclusive: false }, multipleOf: 0.01 }, new Budget())!;
    expect(['1', '1.5', '1.25', '0.01', '1.255'].map((text) => accepts(dfa, text))).toEqual([true, true, true, true, false]);
  });

  it.each([0.3, 1001, 1e-22])('refuses multiples of %s', (multipleOf) => {
    expect(() => compileNumber({ isInteger: false, multipleOf }, new Budget())).toThrow(GrammarInvalidError);
  });
});

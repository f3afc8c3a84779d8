import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assignParts } from './assign-parts.js';

const TWO_RANKS = Int32Array.from({ length: 64 }, (_, expert) => (expert < 32 ? 0 : 1));
const PARTS = { numParts: 2, width: 1, numTokens: 1 };

function assign(experts: number[]): number[] {
  return [...assignParts({ experts, counts: experts.map(() => 1), rankOfExpert: TWO_RANKS }, PARTS, 2)];
}

it('evens out what chance has made uneven', () => {
  expect(assign([1, 2, 3, 40, 41, 42])).toEqual([0b01, 0b10]); // three experts each: a part each
  expect(assign([1, 2, 3, 4, 41, 42])).toEqual([0b00, 0b11]);
  expect(assign([1, 40, 41, 42, 43, 44])).toEqual([0b11, 0b00]);
});

it('deals the parts out in turn where the experts are elsewhere', () => {
  const elsewhere = new Int32Array(64).fill(-1);
  expect([...assignParts({ experts: [1, 2, 3], counts: [9, 9, 9], rankOfExpert: elsewhere }, PARTS, 2)]).toEqual([0b01, 0b10]);
});

it('assigns every part once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ expert: fc.nat(63), rows: fc.integer({ min: 1, max: 512 }) })),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 5 }),
      (routed, numParts, numRanks) => {
        const rankOfExpert = Int32Array.from({ length: 64 }, (_, expert) => (expert % (numRanks + 1)) - 1);
        const load = { experts: routed.map(({ expert }) => expert), counts: routed.map(({ rows }) => rows), rankOfExpert };
        const parts = assignParts(load, { numParts, width: 0.5, numTokens: 3 }, numRanks);
        const sum = parts.reduce((bits, part) => bits + part, 0);
        expect(sum).toBe(2 ** numParts - 1);
        expect(parts.reduce((bits, part) => bits | part, 0)).toBe(sum);
      },
    ),
  );
});

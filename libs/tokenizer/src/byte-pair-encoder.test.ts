import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BytePairEncoder, type Merge } from './byte-pair-encoder.js';

/** The definition: merge the leftmost pair of the lowest rank until there is none. */
function naive(text: string, merges: readonly Merge[]): number[] {
  let symbols = [...new TextEncoder().encode(text)];
  for (;;) {
    const ranks = symbols.map((left, index) => merges.findIndex((merge) => merge.left === left && merge.right === symbols[index + 1]));
    const best = Math.min(...ranks.filter((rank) => rank >= 0));
    if (best === Infinity) return symbols;
    const at = ranks.indexOf(best);
    symbols = [...symbols.slice(0, at), merges[best]!.merged, ...symbols.slice(at + 2)];
  }
}

/** Merges over the bytes of "abc" and of what was merged before; ids 256 and up. */
const mergesArbitrary = fc
  .array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 30 })
  .map((pairs) => {
    const symbols = [97, 98, 99];
    const merges = new Map<string, Merge>();
    for (const [a, b] of pairs) {
      const [left, right] = [symbols[a % symbols.length]!, symbols[b % symbols.length]!];
      if (merges.has(`${left},${right}`)) continue;
      const merged = 256 + merges.size;
      merges.set(`${left},${right}`, { left, right, merged });
      symbols.push(merged);
    }
    return [...merges.values()];
  })
  // Learned merges come after those they are made of; the algorithm must not need it.
  .chain((merges) => fc.shuffledSubarray(merges, { minLength: merges.length }));

test('equals the definition, the second time from the cache', () => {
  fc.assert(
    fc.property(mergesArbitrary, fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 40 }), (merges, text) => {
      const encoder = new BytePairEncoder(
        Int32Array.from({ length: 256 }, (_, byte) => byte),
        merges,
        512,
      );
      for (let round = 0; round < 2; round++) {
        const ids = [-7];
        encoder.encode(text, ids);
        expect(ids).toEqual([-7, ...naive(text, merges)]);
      }
    }),
    { numRuns: 500 },
  );
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LookupLimits, PromptLookup } from './prompt-lookup.js';

const limits = fc
  .record({ minTokens: fc.integer({ min: 1, max: 4 }), more: fc.integer({ min: 0, max: 4 }) })
  .map(({ minTokens, more }) => ({ minTokens, maxTokens: minTokens + more }));
/** Few kinds of tokens, so that much comes again. */
const text = (maxLength: number): fc.Arbitrary<number[]> => fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength });

/** All places where the last tokens came before, with how many agree. */
function places(tokenIds: number[], { minTokens, maxTokens }: LookupLimits): { end: number; length: number }[] {
  return tokenIds.slice(0, -1).flatMap((_, end) => {
    const agrees = (length: number): boolean =>
      length <= end + 1 && tokenIds.slice(end + 1 - length, end + 1).join() === tokenIds.slice(-length).join();
    const length = Math.max(0, ...Array.from({ length: maxTokens }, (__, index) => index + 1).filter(agrees));
    return length >= minTokens ? [{ end, length }] : [];
  });
}

/** What followed a place, again and again. */
function continuation(tokenIds: number[], end: number, count: number): number[] {
  const extended = [...tokenIds];
  for (let index = 0; index < count; index++) extended.push(extended[end + 1 + index]!);
  return extended.slice(tokenIds.length);
}

describe('PromptLookup', () => {
  it('finds the latest of the longest n-grams', () => {
    fc.assert(
      fc.property(text(14), limits, fc.integer({ min: 1, max: 20 }), (tokenIds, each, count) => {
        const found = places(tokenIds, each);
        const best = found.findLast(({ length }) => length === Math.max(...found.map((place) => place.length)));
        const expected = best === undefined ? [] : continuation(tokenIds, best.end, count);
        expect(new PromptLookup(tokenIds, each).propose(count)).toEqual(expected);
      }),
    );
  });

  it('finds one of them in long texts, whenever it was asked before', () => {
    fc.assert(
      fc.property(text(300), limits, fc.array(fc.boolean()), (tokenIds, each, asked) => {
        const grown: number[] = [];
        const lookup = new PromptLookup(grown, each);
        for (const [index, tokenId] of tokenIds.entries()) {
          grown.push(tokenId);
          if (asked[index] === true) lookup.propose(1);
        }
        const draftIds = lookup.propose(5);
        expect(draftIds).toEqual(new PromptLookup(tokenIds, each).propose(5));
        const possible = places(tokenIds, each).map(({ end }) => continuation(tokenIds, end, 5));
        if (possible.length === 0) expect(draftIds).toEqual([]);
        else expect(possible).toContainEqual(draftIds);
      }),
    );
  });

  it('takes no longer for a token of a long text', () => {
    const tokenIds = Array<number>(100_000).fill(7);
    let read = 0;
    const counted = new Proxy(tokenIds, {
      get: (target, key) => {
        read++;
        return Reflect.get(target, key) as unknown;
      },
    });
    const lookup = new PromptLookup(counted, { minTokens: 3, maxTokens: 64 });
    lookup.propose(1);
    read = 0;
    for (let index = 0; index < 10; index++) {
      tokenIds.push(index);
      expect(lookup.propose(1)).toEqual([]);
    }
    expect(read).toBeLessThan(1000);
  });
});

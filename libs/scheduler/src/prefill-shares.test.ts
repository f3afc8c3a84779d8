import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prefillShares, type Prompt } from './prefill-shares.js';

const prompt = (numPending: number, priority = 0, blockTokens = 1): Prompt => ({
  priority,
  numPending,
  chunkOf: (numTokens) => (numTokens < blockTokens ? numTokens : numTokens - (numTokens % blockTokens)),
});
const prompts = (...numPending: number[]): Prompt[] => numPending.map((pending) => prompt(pending));

describe('prefillShares', () => {
  it.each<[string, number[], number[]]>([
    ['one prompt takes all', [4000], [512]],
    ['prompts that fit are all done', [10, 300, 200], [10, 300, 200]],
    ['a shorter one gets half of what a longer one before it would take', [4000, 1000], [256, 256]],
    ['and leaves what it does not need', [4000, 100], [412, 100]],
    ['many short ones share a half', [4000, 100, 100, 100], [256, 100, 100, 56]],
    ['equal ones are done one after another', [1000, 1000], [512, 0]],
    ['longer ones wait for shorter ones', [1000, 4000], [512, 0]],
    ['each takes half, where each is shorter than the one before', [4000, 3000, 2000, 20], [300, 128, 64, 20]],
    ['none is overtaken by one that is no shorter, whoever is before', [4000, 1000, 2000], [256, 256, 0]],
  ])('%s', (_, numPending, expected) => {
    expect(prefillShares(prompts(...numPending), 512)).toEqual(expected);
  });

  it('lets nobody overtake who is less urgent', () => {
    expect(prefillShares([prompt(1000, -1), prompt(10, 0)], 512)).toEqual([512, 0]);
    expect(prefillShares([prompt(300, -1), prompt(10, -1), prompt(4000, 0)], 256)).toEqual([246, 10, 0]);
  });

  it('ends chunks where a prompt likes them to end, and gives what is left of the budget to the next', () => {
    const [first, second] = [prompt(100, 0, 64), prompt(1000, 0, 64)];
    expect(prefillShares([first, second], 512)).toEqual([64, 448]);
    expect(prefillShares([second, first], 512)).toEqual([448, 64]);
    expect(prefillShares([second], 40)).toEqual([40]);
  });

  it.each<[budget: number, numPending: number[], expected: number[]]>([
    [512, [4000, 1000], [256, 256]],
    [200, [4000, 90], [128, 64]],
    [200, [4000, 60], [128, 60]],
    [100, [4000, 90], [64, 0]],
    [100, [4000, 20], [64, 20]],
    [63, [4000, 20], [0, 20]],
  ])('gives whole blocks of 64, at least one to the first, of %i tokens to %j', (budget, numPending, expected) => {
    const blocks = numPending.map((pending) => ({ ...prompt(pending), chunkOf: (n: number) => (n >= pending ? pending : n - (n % 64)) }));
    expect(prefillShares(blocks, budget, 64)).toEqual(expected);
  });

  it('gives the whole budget away where there is need for it, half of it at least to the first', () => {
    const anyPrompt = fc.tuple(fc.integer({ min: 1, max: 100 }), fc.nat(2)).map((fields) => prompt(...fields));
    fc.assert(
      fc.property(fc.array(anyPrompt, { minLength: 1, maxLength: 12 }), fc.integer({ min: 0, max: 300 }), (unordered, budget) => {
        const ordered = unordered.sort((a, b) => a.priority - b.priority);
        const shares = prefillShares(ordered, budget);
        const need = ordered.reduce((sum, { numPending }) => sum + numPending, 0);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(Math.min(need, budget));
        for (const [index, { numPending }] of ordered.entries()) {
          expect(shares[index]).toBeGreaterThanOrEqual(0);
          expect(shares[index]).toBeLessThanOrEqual(numPending);
        }
        expect(shares[0]).toBeGreaterThanOrEqual(Math.min(ordered[0]!.numPending, budget / 2));
        // A less urgent one gets something only when all that are more urgent are done with this step.
        const last = ordered.findLast((_, index) => shares[index]! > 0);
        for (const [index, { priority, numPending }] of ordered.entries()) {
          if (last !== undefined && priority < last.priority) expect(shares[index]).toBe(numPending);
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { choiceSeed, philox4x32, uniform } from './philox.js';

describe('philox4x32', () => {
  // Known answers of Random123's kat_vectors (philox 4x32 10).
  it.each([
    { counter: [0, 0, 0, 0], key: [0, 0], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ] as const)('gives the published words for counter $counter', ({ counter, key, words }) => {
    expect(philox4x32(counter, key)).toEqual(words);
  });
});

describe('uniform', () => {
  it('depends on seed and index alone, in both words of each', () => {
    const inputs = [
      [0, 0],
      [1, 0],
      [-1, 0],
      [2 ** 32, 0],
      [Number.MAX_SAFE_INTEGER, 0],
      [0, 1],
      [0, 2 ** 32],
    ] as const;
    const values = inputs.map(([seed, index]) => uniform(seed, index));
    expect(new Set(values).size).toBe(inputs.length);
    expect(inputs.map(([seed, index]) => uniform(seed, index))).toEqual(values);
  });

  it('is uniform over [0, 1) along a stream and across seeds', () => {
    for (const draw of [(i: number): number => uniform(7, i), (i: number): number => uniform(i, 3)]) {
      const bins = new Array<number>(100).fill(0);
      for (let i = 0; i < 100_000; i++) bins[Math.floor(draw(i) * 100)]!++;
      const chiSquare = bins.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
      expect(chiSquare).toBeLessThan(148.2); // 99 degrees of freedom, p = 0.001
      expect(chiSquare).toBeGreaterThan(60); // p = 0.999: too even would be wrong too
    }
  });
});

describe('choiceSeed', () => {
  it("is the request's own for the first choice, and another one for each of the others, of each seed", () => {
    const seeds = [0, 1, -1, 2 ** 32, Number.MAX_SAFE_INTEGER];
    const drawn = seeds.map((seed) => Array.from({ length: 128 }, (_, choice) => choiceSeed(seed, choice)));
    expect(drawn.map(([first]) => first)).toEqual(seeds);
    expect(new Set(drawn.flat()).size).toBe(seeds.length * 128);
    expect(drawn.flat().every((seed) => Number.isSafeInteger(seed))).toBe(true);
    expect(choiceSeed(5, 3)).toBe(choiceSeed(5, 3));
  });
});

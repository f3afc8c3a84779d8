import type { PackManifest } from '@ringmesh/weights';
import { expect, it } from 'vitest';
import { planThreads, ranksOfExperts } from './plan-threads.js';

const ALL = [0, 1, 2, 3, 4, 5, 6, 7];
const ringLite = { config: { numExperts: 64 }, numShards: 8, numParts: 2 } as PackManifest;

it('gives each thread shards, and the first of them a part of the router', () => {
  expect(planThreads(ringLite, 1, ALL)).toEqual([{ rank: 0, shards: [0, 1, 2, 3, 4, 5, 6, 7] }]);
  expect(planThreads(ringLite, 2, ALL)).toEqual([
    { rank: 0, shards: [0, 1, 2, 3] },
    { rank: 1, shards: [4, 5, 6, 7] },
  ]);
  expect(planThreads(ringLite, 3, ALL).map(({ rank }) => rank)).toEqual([0, 1, null]);
  expect(planThreads(ringLite, 16, ALL)).toHaveLength(8);
});

it('divides some shards like all of them', () => {
  expect(planThreads(ringLite, 2, [1, 4, 6])).toEqual([
    { rank: 0, shards: [1] },
    { rank: 1, shards: [4, 6] },
  ]);
  expect(planThreads(ringLite, 2, [7])).toEqual([
    { rank: 0, shards: [7] },
    { rank: 1, shards: [] },
  ]);
});

it('starts no more threads than share the router where the experts are elsewhere', () => {
  expect(planThreads(ringLite, 16, [])).toEqual([
    { rank: 0, shards: [] },
    { rank: 1, shards: [] },
  ]);
  expect(planThreads({ ...ringLite, numParts: 1 }, 16, [])).toEqual([{ rank: 0, shards: [] }]);
});

it('knows which rank computes an expert', () => {
  const ranks = ranksOfExperts(ringLite, planThreads(ringLite, 3, ALL));
  expect([ranks[0], ranks[15], ranks[16], ranks[63]]).toEqual([0, 0, 1, -1]);
  expect(new Set(ranksOfExperts(ringLite, planThreads(ringLite, 2, [])))).toEqual(new Set([-1]));
});

import { expect, it } from 'vitest';
import type { PackManifest } from '@ringmesh/weights';
import { numOwnShards } from './own-shards.js';

const ringLite = { config: { numSharedExperts: 2, numExpertsPerToken: 6 }, numShards: 8 } as PackManifest;

it.each([
  [1, 8], // everything
  [2, 3], // a third of the routed experts and the shared ones, against two thirds
  [3, 1],
  [4, 0], // the shared experts are a fourth of the work
  [16, 0],
])('with %i threads the engine takes %i of 8 shards', (threads, shards) => {
  expect(numOwnShards(ringLite, threads)).toBe(shards);
});

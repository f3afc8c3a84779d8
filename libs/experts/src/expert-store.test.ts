import { InvalidRequestError, PackInvalidError, ShardUnavailableError } from '@ringmesh/core';
import { ShardRule } from '@ringmesh/placement';
import type { ExpertBatch } from '@ringmesh/protocol';
import { type TinyExperts, uniform, writeTinyExperts } from '@ringmesh/testing';
import { PackLayout } from '@ringmesh/weights';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExpertStore } from './expert-store.js';

const H = 64;
const shape = {
  hiddenSize: H,
  moeIntermediateSize: 48,
  numLayers: 2,
  firstKDenseReplace: 1,
  numExperts: 6,
  numExpertsPerToken: 3,
  numShards: 3,
};
const rule = new ShardRule(shape.numExperts, shape.numShards);
const maxTokens = 8;
const allShards = [0, 1, 2];

let packDir: string;
let experts: TinyExperts;
let store: ExpertStore;
beforeAll(() => {
  packDir = mkdtempSync(join(tmpdir(), 'experts-'));
  experts = writeTinyExperts(packDir, shape);
  store = ExpertStore.open({ packDir, manifest: experts.manifest, shards: allShards, maxTokens });
});
afterAll(() => {
  store.close();
  rmSync(packDir, { recursive: true });
});

/** Five tokens; expert 1 has none, expert 3 has all, expert 2 rows apart and expert 4 rows in a run. */
const ROUTES: Record<number, number[]> = { 0: [1], 2: [0, 2, 4], 3: [0, 1, 2, 3, 4], 4: [2, 3, 4] };
const NUM_TOKENS = 5;
const random = uniform(7);
const HIDDEN = Float32Array.from({ length: NUM_TOKENS * H }, () => random());
const rowOf = (token: number): Float32Array => HIDDEN.subarray(token * H, (token + 1) * H);
const weightOf = (expert: number, token: number): number => Math.fround((1 + expert) / (3 + token));

/** The part of the routes above that concerns `shards`, with every token's hidden state. */
function makeBatch(shards: number[]): ExpertBatch {
  const ids = Object.keys(ROUTES).flatMap((id) => (shards.includes(rule.shardOf(Number(id))) ? [Number(id)] : []));
  return {
    layer: 1,
    epoch: 0,
    numTokens: NUM_TOKENS,
    hidden: HIDDEN,
    experts: Int32Array.from(ids),
    counts: Int32Array.from(ids, (id) => ROUTES[id]!.length),
    rows: Int32Array.from(ids.flatMap((id) => ROUTES[id]!)),
    weights: Float32Array.from(ids.flatMap((id) => ROUTES[id]!.map((token) => weightOf(id, token)))),
    nodes: new Int32Array(),
  };
}

/** Partial sums that start as something else than zero, as a channel's do. */
function forward(batch: ExpertBatch): Float32Array {
  const partials = new Float32Array(maxTokens * shape.numShards * H).fill(NaN);
  return partials.subarray(0, store.forward(batch, partials) * H);
}

describe('ExpertStore', () => {
  it('sums weight × expert(row) for each shard and each of its rows', () => {
    const expected = allShards.flatMap((shard) => {
      const ids = rule.expertsOf(shard).filter((id) => ROUTES[id] !== undefined);
      const tokens = [...new Set(ids.flatMap((id) => ROUTES[id]!))].sort((a, b) => a - b);
      return tokens.flatMap((token) => {
        const sum = new Float64Array(H);
        for (const id of ids.filter((each) => ROUTES[each]!.includes(token))) {
          experts.expert(1, id, rowOf(token)).forEach((value, h) => (sum[h]! += weightOf(id, token) * value));
        }
        return [...sum];
      });
    });
    const partials = forward(makeBatch(allShards));
    expect(partials.length).toBe(expected.length);
    partials.forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 5));
  });

  it('gives a shard the same bits whether it is computed alone or with others', () => {
    const together = forward(makeBatch(allShards));
    const apart = allShards.flatMap((shard) => [...forward(makeBatch([shard]))]);
    expect(Float32Array.from(apart)).toEqual(together);
  });

  it.each<[field: string, change: Partial<ExpertBatch>]>([
    ['layer', { layer: 0 }],
    ['layer', { layer: 2 }],
    ['layer', { layer: NaN }],
    ['numTokens', { numTokens: 0 }],
    ['numTokens', { numTokens: 9, hidden: new Float32Array(9 * H) }],
    ['hidden', { hidden: HIDDEN.subarray(1) }],
    ['experts', { experts: Int32Array.of(0, 2, 2, 4) }],
    ['experts', { experts: Int32Array.of(0, 2, 3, 6) }],
    ['experts', { experts: Int32Array.of(-1, 2, 3, 4) }],
    ['counts', { counts: Int32Array.of(1, 3, 5) }],
    ['counts', { counts: Int32Array.of(0, 4, 5, 3) }],
    ['counts', { counts: Int32Array.of(1, 3, 5, 4) }],
    ['counts', { counts: Int32Array.of(1, 3, 5, 2) }],
    ['rows', { rows: Int32Array.of(1, 0, 2, 5, 0, 1, 2, 3, 4, 2, 3, 4) }],
    ['rows', { rows: Int32Array.of(1, 2, 0, 4, 0, 1, 2, 3, 4, 2, 3, 4) }],
    ['rows', { rows: Int32Array.of(-1, 0, 2, 4, 0, 1, 2, 3, 4, 2, 3, 4) }],
    ['rows', { rows: new Int32Array(16) }],
    ['weights', { weights: new Float32Array(11) }],
    ['nodes', { nodes: Int32Array.of(1) }],
  ])('refuses a batch with wrong %s: %o', (field, change) => {
    const batch = { ...makeBatch(allShards), ...change };
    expect(() => forward(batch)).toThrow(expect.objectContaining({ name: InvalidRequestError.name, field }));
  });

  it('refuses an expert of a shard it does not host', () => {
    const part = ExpertStore.open({ packDir, manifest: experts.manifest, shards: [0, 2], maxTokens });
    const partials = new Float32Array(maxTokens * shape.numShards * H);
    expect(() => part.forward(makeBatch([1]), partials)).toThrow(ShardUnavailableError);
    expect(part.forward(makeBatch([2]), partials)).toBe(3);
    part.close();
  });

  it('names the file that is missing', () => {
    const manifest = { ...experts.manifest, config: { ...experts.manifest.config, numLayers: 3 } };
    const open = (): ExpertStore => ExpertStore.open({ packDir, manifest, shards: [1], maxTokens });
    const path = new PackLayout(packDir).expertGraph(1, 2, 2);
    expect(open).toThrow(PackInvalidError);
    expect(open).toThrow(expect.objectContaining({ field: path }));
  });
});

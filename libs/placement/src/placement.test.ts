import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignShards, hostsOf, missingShards } from './placement.js';
import { ShardRule } from './shard-rule.js';

const sizes = { numShards: fc.integer({ min: 1, max: 20 }), numHosts: fc.integer({ min: 1, max: 30 }) };

describe('ShardRule', () => {
  it('gives every expert to one shard, and shards sizes that differ by at most one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 200 }), (numExperts, shards) => {
        const rule = new ShardRule(numExperts, Math.min(shards, numExperts));
        const parts = Array.from({ length: rule.numShards }, (_, shard) => rule.expertsOf(shard));
        expect(parts.flat()).toEqual(Array.from({ length: numExperts }, (_, expert) => expert));
        parts.forEach((experts, shard) => experts.forEach((expert) => expect(rule.shardOf(expert)).toBe(shard)));
        const lengths = parts.map((part) => part.length);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('assignShards', () => {
  it('cuts the shards into contiguous runs of nearly equal length', () => {
    fc.assert(
      fc.property(fc.record(sizes), ({ numShards, numHosts }) => {
        fc.pre(numHosts <= numShards);
        const assignment = assignShards(numShards, numHosts);
        expect(assignment.flat()).toEqual(Array.from({ length: numShards }, (_, shard) => shard));
        const lengths = assignment.map((shards) => shards.length);
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('makes hosts beyond the number of shards replicas, one shard each, in turn', () => {
    expect(assignShards(2, 5)).toEqual([[0], [1], [0], [1], [0]]);
  });

  it('leaves no shard out', () => {
    fc.assert(
      fc.property(fc.record(sizes), ({ numShards, numHosts }) => {
        const hosts = assignShards(numShards, numHosts).map((shards, index) => ({ id: `worker-${index}`, shards }));
        expect(hosts).toHaveLength(numHosts);
        expect(missingShards(hosts, numShards)).toEqual([]);
      }),
    );
  });
});

describe('looking a placement up', () => {
  const hosts = [
    { id: 'a', shards: [0, 1] },
    { id: 'b', shards: [1, 3] },
  ];

  it('finds the hosts of a shard in their order', () => {
    expect(hostsOf(hosts, 1).map((host) => host.id)).toEqual(['a', 'b']);
    expect(hostsOf(hosts, 2)).toEqual([]);
  });

  it('names the shards that no host has', () => {
    expect(missingShards(hosts, 5)).toEqual([2, 4]);
  });
});

import { Dispatcher, type ExpertHost } from '@ringmesh/dispatch';
import { type ChannelShape, Doorbell } from '@ringmesh/protocol';
import { type TinyExperts, writeTinyExperts } from '@ringmesh/testing';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeExpertHosts, type RunningHosts } from './expert-hosts.js';
import { startPools } from './local-hosts.js';
import { combineOne, naiveCombine, randomRouting } from './routing.js';

describeExpertHosts('threads of this process', startPools);

describe('dispatch and combine', () => {
  const sizes = {
    hiddenSize: 32,
    moeIntermediateSize: 24,
    numLayers: 2,
    firstKDenseReplace: 0,
    numExperts: 11,
    numExpertsPerToken: 4,
    numShards: 5,
  };
  const shape: ChannelShape = { ...sizes, maxTokens: 12, expertsPerToken: sizes.numExpertsPerToken };
  const shards = Array.from({ length: sizes.numShards }, (_, shard) => shard);
  const clientBell = new Doorbell();
  let experts: TinyExperts;
  let running: RunningHosts;
  let failing: ExpertHost;

  /** Three hosts that can compute everything, and one that always fails: which shards they are asked for is the placement's business. */
  beforeAll(async () => {
    experts = writeTinyExperts(mkdtempSync(join(tmpdir(), 'dispatch-')), sizes);
    running = await startPools({ experts, assignment: [shards, shards, shards, [0]], shape, numSlots: 2, clientBell });
    await running.stop(3);
    failing = { ...running.hosts.pop()!, shards };
  });
  afterAll(async () => {
    await running.close();
    rmSync(experts.packDir, { recursive: true });
  });

  const newDispatcher = (hosts: ExpertHost[]): Dispatcher => {
    const dispatcher = new Dispatcher({ shape, numLayers: sizes.numLayers, numSlots: 2, clientBell });
    dispatcher.setHosts(1, hosts);
    return dispatcher;
  };

  const layer = fc.integer({ min: 0, max: sizes.numLayers - 1 });
  const numTokens = fc.integer({ min: 1, max: shape.maxTokens });
  const routings = fc.record({ seed: fc.nat(), layer, numTokens }).map((options) => randomRouting(sizes, options));
  /** For each shard, which of the three hosts have it: at least one. */
  const placements = fc.array(fc.subarray([0, 1, 2], { minLength: 1 }), { minLength: sizes.numShards, maxLength: sizes.numShards });

  it('equals a plain loop, and gives the same bits for 1, 2 or 3 hosts, any assignment, replicas and a failing host', () => {
    fc.assert(
      fc.property(routings, placements, fc.nat({ max: 3 }), (routing, placement, failingAt) => {
        const alone = combineOne(newDispatcher([running.hosts[0]!]), routing);
        const expected = naiveCombine(experts, routing);
        alone.forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 5));

        const hosts = running.hosts.map((host, index) => ({
          ...host,
          shards: shards.filter((shard) => placement[shard]!.includes(index)),
        }));
        expect(combineOne(newDispatcher(hosts), routing)).toEqual(alone);
        expect(combineOne(newDispatcher(hosts.toSpliced(failingAt, 0, failing)), routing)).toEqual(alone);
      }),
      { numRuns: 60 },
    );
  });
});

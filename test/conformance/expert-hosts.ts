import { ShardUnavailableError } from '@ringmesh/core';
import { Dispatcher, type ExpertHost } from '@ringmesh/dispatch';
import { type ChannelShape, Doorbell, ExpertChannel } from '@ringmesh/protocol';
import { type TinyExperts, writeTinyExperts } from '@ringmesh/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { combineOne, naiveCombine, type Routing, randomRouting } from './routing.js';

const sizes = {
  hiddenSize: 64,
  moeIntermediateSize: 48,
  numLayers: 3,
  firstKDenseReplace: 1,
  numExperts: 10,
  numExpertsPerToken: 3,
  numShards: 4,
};
const shape: ChannelShape = { ...sizes, maxTokens: 64, expertsPerToken: sizes.numExpertsPerToken };
const NUM_SLOTS = 2;

export interface StartHostsOptions {
  experts: TinyExperts;
  /** The shards of each host. */
  assignment: number[][];
  shape: ChannelShape;
  numSlots: number;
  clientBell: Doorbell;
}

export interface RunningHosts {
  /** One for each entry of the assignment. */
  hosts: ExpertHost[];
  /** Ends one host as if it had crashed; resolves when its requests fail. */
  stop(index: number): Promise<void>;
  close(): Promise<void>;
}

/** What every way to reach experts must do: the same checks for threads of this process and for workers behind gRPC. */
export function describeExpertHosts(name: string, startHosts: (options: StartHostsOptions) => Promise<RunningHosts>): void {
  describe(`${name} as expert hosts`, () => {
    let experts: TinyExperts;
    let clientBell: Doorbell;
    let dispatcher: Dispatcher;
    let running: RunningHosts | null = null;

    beforeAll(() => {
      experts = writeTinyExperts(mkdtempSync(join(tmpdir(), 'expert-hosts-')), sizes);
    });
    afterAll(() => rmSync(experts.packDir, { recursive: true }));
    beforeEach(() => {
      clientBell = new Doorbell();
      dispatcher = new Dispatcher({ shape, numLayers: sizes.numLayers, numSlots: NUM_SLOTS, clientBell });
    });
    afterEach(() => stopAll());

    async function stopAll(): Promise<void> {
      await running?.close();
      running = null;
    }

    async function start(assignment: number[][]): Promise<RunningHosts> {
      await stopAll();
      running = await startHosts({ experts, assignment, shape, numSlots: NUM_SLOTS, clientBell });
      dispatcher.setHosts(1, running.hosts);
      return running;
    }

    const combine = (routing: Routing): Float32Array => combineOne(dispatcher, routing);

    it('computes what a plain loop over tokens and experts computes', async () => {
      await start([
        [0, 1],
        [2, 3],
      ]);
      for (const numTokens of [1, 2, 7, shape.maxTokens]) {
        const routing = randomRouting(sizes, { seed: numTokens, layer: 2, numTokens });
        const expected = naiveCombine(experts, routing);
        combine(routing).forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 5));
      }
    });

    it('gives the same bits for any assignment of shards to hosts', async () => {
      const routings = [1, 5, 30].map((numTokens) => randomRouting(sizes, { seed: numTokens, layer: 1, numTokens }));
      await start([[0, 1, 2, 3]]);
      const expected = routings.map(combine);
      const assignments = [
        [
          [0, 2],
          [1, 3],
        ],
        [[3], [0, 2], [1]],
        [
          [0, 1, 2],
          [1, 2, 3],
        ],
      ];
      for (const assignment of assignments) {
        await start(assignment);
        expect(routings.map(combine)).toEqual(expected);
      }
    });

    it('serves two micro-batches at once, combined in any order', async () => {
      await start([
        [0, 1],
        [2, 3],
      ]);
      const routings = [1, 2].map((layer) => randomRouting(sizes, { seed: 10 + layer, layer, numTokens: 9 }));
      const expected = routings.map(combine);
      routings.forEach((routing, slot) => dispatcher.dispatch(slot, routing.layer, routing.hidden, routing.ids, routing.weights, 9));
      const outputs = routings.map(() => new Float32Array(9 * shape.hiddenSize));
      for (const slot of [1, 0]) dispatcher.combine(slot, outputs[slot]!);
      expect(outputs).toEqual(expected);
    });

    it('answers a batch it cannot compute with the reason, and goes on', async () => {
      const { hosts } = await start([[0, 1, 2, 3]]);
      const channel = new ExpertChannel(hosts[0]!.channels[0]!);
      channel.experts[0] = 3;
      channel.counts[0] = 1;
      channel.rows[0] = 0;
      channel.weights[0] = 1;
      for (const [layer, expert, reason] of [
        [0, 3, /layer/],
        [2, sizes.numExperts, /experts/],
      ] as const) {
        channel.experts[0] = expert;
        channel.request({ layer, epoch: 1, numTokens: 1, numExperts: 1, numRows: 1, numNodes: 0 });
        for (let seen = clientBell.value; !channel.isAnswered; seen = clientBell.value) clientBell.wait(seen, 5000);
        expect(channel.takeAnswer()).toEqual({ failure: expect.stringMatching(reason) as string });
      }
      const routing = randomRouting(sizes, { seed: 3, layer: 1, numTokens: 2 });
      const expected = naiveCombine(experts, routing);
      combine(routing).forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 5));
    });

    it('loses a host: replicas take over with the same bits, and a shard without one fails by name', async () => {
      const started = await start([
        [0, 1, 2, 3],
        [0, 1, 2],
      ]);
      const routing = randomRouting(sizes, { seed: 5, layer: 1, numTokens: 40 });
      const expected = combine(routing);
      await started.stop(1);
      expect(combine(routing)).toEqual(expected);
      await started.stop(0);
      expect(() => combine(routing)).toThrow(ShardUnavailableError);
      expect(() => combine(routing)).toThrow(/shard 0, 1, 2, 3 /);
    });

    it('fails requests after it was closed, instead of leaving them without an answer', async () => {
      const started = await start([[0, 1, 2, 3]]);
      await started.close();
      expect(() => combine(randomRouting(sizes, { seed: 6, layer: 1, numTokens: 1 }))).toThrow(ShardUnavailableError);
    });
  });
}

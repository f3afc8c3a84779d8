import { EngineFailedError, ShardUnavailableError } from '@ringmesh/core';
import { type ChannelShape, Doorbell, type ExpertBatch, ExpertChannel } from '@ringmesh/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { Dispatcher } from './dispatcher.js';
import type { ExpertHost } from './expert-host.js';

/** Four experts, one a shard; hidden size 1, so that a hidden state is a number. */
const shape: ChannelShape = { hiddenSize: 1, maxTokens: 4, numExperts: 4, expertsPerToken: 2, numShards: 4 };
const NUM_LAYERS = 3;

let clientBell: Doorbell;
let dispatcher: Dispatcher;
beforeEach(() => {
  clientBell = new Doorbell();
  dispatcher = new Dispatcher({ shape, numLayers: NUM_LAYERS, numSlots: 2, clientBell, timeoutMs: 20 });
});

/** A host whose requests the test answers itself: dispatching does not wait, so both sides fit in one thread. */
class Host implements ExpertHost {
  readonly servers = [0, 1].map(() => ExpertChannel.create(shape, new Doorbell(), clientBell));
  readonly channels = this.servers.map((server) => server.buffers);

  constructor(
    readonly id: string,
    readonly shards: number[],
    readonly addsShards = false,
  ) {}

  /** Takes the request of a slot and answers 10^expert × weight × row, each expert being a shard. */
  serve(slot = 0): ExpertBatch {
    const server = this.servers[slot]!;
    const batch = server.takeRequest()!;
    let start = 0;
    for (let index = 0; index < batch.experts.length; index++) {
      const end = start + batch.counts[index]!;
      for (; start < end; start++)
        server.partials[start] = 10 ** batch.experts[index]! * batch.weights[start]! * batch.hidden[batch.rows[start]!]!;
    }
    server.reply(start);
    return batch;
  }

  get isAsked(): boolean {
    return this.servers.some((server) => !server.isIdle);
  }
}

/** Three tokens: 1 goes to experts 0 and 2, 2 to 2 and 1, 3 to 0 and 1. */
const HIDDEN = Float32Array.of(1, 2, 3);
const IDS = BigInt64Array.of(0n, 2n, 2n, 1n, 0n, 1n);
const WEIGHTS = Float32Array.of(1, 2, 3, 4, 5, 6);
const EXPECTED = Float32Array.of(1 + 200, 80 + 600, 15 + 180);

function dispatch(slot = 0): void {
  dispatcher.dispatch(slot, 1, HIDDEN, IDS, WEIGHTS, 3);
}

function combine(slot = 0): Float32Array {
  const output = new Float32Array(3);
  dispatcher.combine(slot, output);
  return output;
}

describe('Dispatcher', () => {
  it('sends each host only the rows it needs, and adds to what is in the output', () => {
    const [a, b] = [new Host('a', [0, 3]), new Host('b', [1, 2])];
    dispatcher.setHosts(9, [a, b]);
    dispatch();
    expect(a.serve()).toMatchObject({ layer: 1, epoch: 9, numTokens: 2, hidden: Float32Array.of(1, 3), rows: Int32Array.of(0, 1) });
    expect(b.serve()).toMatchObject({ experts: Int32Array.of(1, 2), counts: Int32Array.of(2, 2), rows: Int32Array.of(1, 2, 0, 1) });
    const output = Float32Array.of(0.5, 0.25, 0);
    dispatcher.combine(0, output);
    expect(output).toEqual(EXPECTED.map((value, token) => value + [0.5, 0.25, 0][token]!));
  });

  it('has hosts add their shards up that can', () => {
    const [a, b] = [new Host('a', [0, 1, 3], true), new Host('b', [2], true)];
    const answer = ({ servers: [server] }: Host, sums: number[]): void => {
      server!.partials.set(sums);
      server!.reply(sums.length);
    };
    dispatcher.setHosts(1, [a, b]);
    dispatch();
    expect(a.servers[0]!.takeRequest()!.nodes).toEqual(Int32Array.of(2)); // shards 0 and 1
    expect(b.servers[0]!.takeRequest()!.nodes).toEqual(Int32Array.of(3)); // shard 2, beside which nobody has rows
    answer(a, [1, 80, 15 + 180]);
    answer(b, [200, 600]);
    expect(combine()).toEqual(EXPECTED);
  });

  it('takes ids as int32 as well', () => {
    const host = new Host('a', [0, 1, 2, 3]);
    dispatcher.setHosts(1, [host]);
    dispatcher.dispatch(0, 1, HIDDEN, Int32Array.from(IDS, Number), WEIGHTS, 3);
    host.serve();
    expect(combine()).toEqual(EXPECTED);
  });

  it('does not ask hosts whose shards have no rows', () => {
    const [a, b] = [new Host('a', [0, 1, 2]), new Host('b', [3])];
    dispatcher.setHosts(1, [a, b]);
    dispatch();
    expect([a.isAsked, b.isAsked]).toEqual([true, false]);
  });

  it('asks the host with the fewest outstanding rows, over all slots, and the first of equals', () => {
    const [a, b] = [new Host('a', [0, 1, 2, 3]), new Host('b', [0, 1, 2, 3])];
    dispatcher.setHosts(1, [a, b]);
    dispatch(0); // two rows each for shards 0, 1, 2: a, b, a
    expect(a.serve(0).experts).toEqual(Int32Array.of(0, 2));
    expect(b.serve(0).experts).toEqual(Int32Array.of(1));
    dispatch(1); // b is behind by two rows: b, then a, b
    expect(a.serve(1).experts).toEqual(Int32Array.of(1));
    expect(b.serve(1).experts).toEqual(Int32Array.of(0, 2));
    expect(combine(1)).toEqual(EXPECTED);
    expect(combine(0)).toEqual(EXPECTED);
  });

  it('names the shards that no host has, and sends nothing', () => {
    const host = new Host('a', [0, 3]);
    dispatcher.setHosts(1, [host]);
    expect(() => dispatch()).toThrow(new ShardUnavailableError('The experts of shard 1, 2 cannot be reached (no host has them)'));
    expect(host.isAsked).toBe(false);
  });

  it('says what a host answered that failed, after all others were heard; the slot is free again', () => {
    const [a, b] = [new Host('a', [0]), new Host('b', [1, 2])];
    dispatcher.setHosts(1, [a, b]);
    dispatch();
    a.servers[0]!.takeRequest();
    a.servers[0]!.fail('out of memory');
    b.serve();
    expect(() => combine()).toThrow(new ShardUnavailableError('The experts of shard 0 cannot be reached (a: out of memory)'));
    dispatch();
    a.serve();
    b.serve();
    expect(combine()).toEqual(EXPECTED);
  });

  it('refuses an answer of the wrong size', () => {
    const host = new Host('a', [0, 1, 2]);
    dispatcher.setHosts(1, [host]);
    dispatch();
    host.servers[0]!.takeRequest();
    host.servers[0]!.reply(5);
    expect(() => combine()).toThrow(/shard 0, 1, 2 .*a: an answer of 5 numbers/);
  });

  it('gives a silent host up, and does not use it before it has answered', () => {
    const [a, b] = [new Host('a', [0]), new Host('b', [1, 2])];
    dispatcher.setHosts(1, [a, b]);
    dispatch();
    b.serve();
    expect(() => combine()).toThrow(/shard 0 .*a: no answer within 20 ms/);
    expect(() => dispatch(1)).toThrow(/shard 0 .*a: has not answered an earlier request yet/);
    expect(b.isAsked).toBe(false);

    dispatcher.setHosts(2, [a, b]);
    expect(() => dispatch(1)).toThrow(/a: has not answered/);

    a.serve();
    dispatch();
    a.serve();
    b.serve();
    expect(combine()).toEqual(EXPECTED);
  });

  it('abandons a micro-batch, and a slot with nothing in flight', () => {
    const host = new Host('a', [0, 1, 2]);
    dispatcher.setHosts(1, [host]);
    dispatcher.abandon(0);
    dispatch();
    host.serve();
    dispatcher.abandon(0);
    dispatch();
    host.serve();
    expect(combine()).toEqual(EXPECTED);
  });

  it('refuses what the engine must not do', () => {
    const host = new Host('a', [0, 1, 2, 3]);
    const route = (ids: bigint[], numTokens: number) => () =>
      dispatcher.dispatch(0, 1, new Float32Array(numTokens), BigInt64Array.from(ids), new Float32Array(ids.length), numTokens);
    dispatcher.setHosts(1, [host]);
    expect(route([0n, 4n], 1)).toThrow(/topkIds\[1\] is 4/);
    expect(route([0n, -1n], 1)).toThrow(/topkIds\[1\] is -1/);
    expect(route([0n], 1)).toThrow(/topkIds\[1\] is NaN/);
    expect(route([], 0)).toThrow(/0 tokens/);
    expect(route(Array<bigint>(10).fill(0n), 5)).toThrow(/5 tokens/);
    expect(() => combine()).toThrow(EngineFailedError);
    dispatch();
    expect(() => dispatch()).toThrow(EngineFailedError);
    expect(() => dispatcher.setHosts(2, [host])).toThrow(EngineFailedError);
  });

  it('refuses hosts with other channels than its own', () => {
    const { channels } = new Host('a', [0]);
    const wider = ExpertChannel.create({ ...shape, hiddenSize: 2 }, new Doorbell(), clientBell).buffers;
    for (const wrong of [channels.slice(1), [wider, wider]]) {
      expect(() => dispatcher.setHosts(1, [{ id: 'a', shards: [0], channels: wrong }])).toThrow(/host a: 2 channels/);
    }
  });

  it('counts what it did since the last drain, also across a change of hosts', () => {
    const [a, b] = [new Host('a', [0, 3]), new Host('b', [1, 2])];
    dispatcher.setHosts(1, [a, b]);
    dispatch();
    a.serve();
    b.servers[0]!.takeRequest();
    b.servers[0]!.fail('busy');
    expect(() => combine()).toThrow(ShardUnavailableError);
    dispatcher.setHosts(2, [a, b]);
    dispatch(1);

    const stats = dispatcher.drainStats();
    expect(stats.hosts).toEqual([
      { id: 'a', requests: 2, failures: 0, rows: 4, sentBytes: 16, receivedBytes: 8, latencies: [expect.any(Number)] },
      { id: 'b', requests: 2, failures: 1, rows: 8, sentBytes: 24, receivedBytes: 0, latencies: [] },
    ]);
    expect([...stats.tokens]).toEqual([0, 0, 0, 0, 4, 4, 4, 0, 0, 0, 0, 0]);
    a.serve(1);
    b.serve(1);
    combine(1);
    const next = dispatcher.drainStats();
    expect(next.hosts.map(({ requests, receivedBytes }) => ({ requests, receivedBytes }))).toEqual([
      { requests: 0, receivedBytes: 8 },
      { requests: 0, receivedBytes: 16 },
    ]);
    expect(next.tokens.every((count) => count === 0)).toBe(true);
  });
});

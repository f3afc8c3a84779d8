import { GrpcDispatch, type GrpcDispatchOptions, type RemoteWorker } from '@ringmesh/dispatch';
import { type ChannelShape, Doorbell, type ExpertBatch, ExpertChannel } from '@ringmesh/protocol';
import { type TinyExperts, uniform, writeTinyExperts } from '@ringmesh/testing';
import { writeManifest } from '@ringmesh/weights';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';

const sizes = {
  hiddenSize: 32,
  moeIntermediateSize: 16,
  numLayers: 2,
  firstKDenseReplace: 0,
  numExperts: 8,
  numExpertsPerToken: 3,
  numShards: 4,
};
export const shape: ChannelShape = { ...sizes, maxTokens: 16, expertsPerToken: sizes.numExpertsPerToken };

/** A pack of experts in a new temporary folder. */
export async function makePack(): Promise<TinyExperts> {
  const experts = writeTinyExperts(await mkdtemp(join(tmpdir(), 'remote-workers-')), sizes);
  await writeManifest(experts.packDir, experts.manifest);
  return experts;
}

/** Random hidden states of `numTokens` tokens, all of which go to each of `experts`. */
export function makeBatch(numTokens: number, experts: number[], seed = 1): ExpertBatch {
  const random = uniform(seed);
  const rows = experts.flatMap(() => Array.from({ length: numTokens }, (_, row) => row));
  return {
    layer: 1,
    epoch: 1,
    numTokens,
    hidden: Float32Array.from({ length: numTokens * shape.hiddenSize }, random),
    experts: Int32Array.from(experts),
    counts: Int32Array.from(experts, () => numTokens),
    rows: Int32Array.from(rows),
    weights: Float32Array.from(rows, random),
    nodes: new Int32Array(),
  };
}

/** The partial sums of {@link makeBatch} where every expert lies in a shard of its own [P, H]. */
export function expectedPartials(pack: TinyExperts, { layer, numTokens, hidden, experts, weights }: ExpertBatch): number[] {
  const { hiddenSize } = shape;
  const rowOf = (row: number): Float32Array => hidden.subarray(row * hiddenSize, (row + 1) * hiddenSize);
  return Array.from(weights, (weight, r) => {
    const output = pack.expert(layer, experts[Math.floor(r / numTokens)]!, rowOf(r % numTokens)); // [H]
    return Array.from(output, (value) => weight * value);
  }).flat();
}

/** Expects numbers to be equal to within float32's rounding, or what `digits` say. */
export function expectClose(actual: Float32Array, expected: number[], digits = 5): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, digits));
}

/** A GrpcDispatch as the router uses it, on a thread that may not block. */
export class Router {
  readonly dispatch: GrpcDispatch;
  workers: RemoteWorker[] = [];
  /** Every state of every worker, in order. */
  readonly history: string[] = [];
  private readonly clientBell = new Doorbell();
  private readonly listeners = new Set<() => void>();

  constructor(addresses: string[], pack: TinyExperts, options: Partial<GrpcDispatchOptions> = {}) {
    this.dispatch = new GrpcDispatch({
      workers: addresses,
      expected: pack.manifest,
      channelShape: shape,
      numSlots: 2,
      clientBell: this.clientBell,
      dtype: 'f32',
      timeoutMs: 10_000,
      security: {},
      onChange: (workers) => {
        this.workers = workers;
        this.history.push(...workers.map(({ state }) => state));
        for (const listener of this.listeners) listener();
      },
      onFailure: (error) => expect.unreachable(error.message),
      ...options,
    });
  }

  /** Waits until the first worker is as wanted. */
  async until(isWanted: (worker: RemoteWorker) => boolean): Promise<RemoteWorker> {
    for (;;) {
      const [worker] = this.workers;
      if (worker !== undefined && isWanted(worker)) return worker;
      await new Promise<void>((resolve) => this.listeners.add(resolve));
    }
  }

  ready(): Promise<RemoteWorker> {
    return this.until(({ state }) => state === 'ready');
  }

  /** Sends a batch to a worker, on the channel of a slot, and waits for the answer. */
  async exchange(worker: RemoteWorker, batch: ExpertBatch, slot = 0): Promise<{ partials: Float32Array } | { failure: string }> {
    const channel = new ExpertChannel(worker.channels[slot]!);
    for (const field of ['hidden', 'experts', 'counts', 'rows', 'weights', 'nodes'] as const) channel[field].set(batch[field]);
    const { layer, epoch, numTokens, experts, rows, nodes } = batch;
    channel.request({ layer, epoch, numTokens, numExperts: experts.length, numRows: rows.length, numNodes: nodes.length });
    for (let seen = this.clientBell.value; !channel.isAnswered; seen = this.clientBell.value) await this.clientBell.waitAsync(seen);
    const answer = channel.takeAnswer();
    return 'failure' in answer ? answer : { partials: answer.partials.slice() };
  }

  /** As {@link exchange}. @throws AssertionError where it fails */
  async compute(worker: RemoteWorker, batch: ExpertBatch): Promise<Float32Array> {
    const answer = await this.exchange(worker, batch);
    return 'partials' in answer ? answer.partials : expect.unreachable(answer.failure);
  }
}

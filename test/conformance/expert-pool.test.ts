import { PackInvalidError, type RingmeshError } from '@ringmesh/core';
import { ExpertPool, type ExpertPoolOptions } from '@ringmesh/experts';
import { Doorbell, ExpertChannel } from '@ringmesh/protocol';
import { writeTinyExperts } from '@ringmesh/testing';
import { PackLayout } from '@ringmesh/weights';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const shape = {
  hiddenSize: 8,
  moeIntermediateSize: 4,
  numLayers: 2,
  firstKDenseReplace: 0,
  numExperts: 5,
  numExpertsPerToken: 2,
  numShards: 5,
};

let options: ExpertPoolOptions;
beforeEach(() => {
  const packDir = mkdtempSync(join(tmpdir(), 'pool-'));
  options = {
    ...writeTinyExperts(packDir, shape),
    shards: [1, 2, 4],
    threads: 2,
    channelShape: { ...shape, maxTokens: 4, expertsPerToken: shape.numExpertsPerToken },
    numSlots: 2,
    clientBell: new Doorbell(),
    onFailure: (error) => expect.unreachable(error.message),
  };
});
afterEach(() => rmSync(options.packDir, { recursive: true }));

describe('ExpertPool', () => {
  it('divides the shards over its threads and says how far it is', async () => {
    const progress: [opened: number, total: number][] = [];
    const pool = await ExpertPool.start({ ...options, onProgress: (opened, total) => progress.push([opened, total]) });
    expect(pool.hosts.map((host) => host.shards)).toEqual([[1], [2, 4]]);
    expect(pool.hosts.map((host) => host.channels.length)).toEqual([2, 2]);
    expect(progress).toEqual([1, 2, 3, 4, 5, 6].map((opened) => [opened, 6]));
    await pool.close();
  });

  it('starts no more threads than there are shards', async () => {
    const pool = await ExpertPool.start({ ...options, threads: 9 });
    expect(pool.hosts.map((host) => host.shards)).toEqual([[1], [2], [4]]);
    await pool.close();
  });

  it('does not start where one thread finds its part of the pack broken', async () => {
    rmSync(new PackLayout(options.packDir).shard(4), { recursive: true });
    const start = ExpertPool.start(options);
    await expect(start).rejects.toThrow(PackInvalidError);
    await expect(start).rejects.toThrow(/Expert thread 1 \(shard 2, 4\).*layer-000-expert-004\.onnx/);
  });

  it('gives up its start, without ending the process', async () => {
    const giveUp = new AbortController();
    const start = ExpertPool.start({ ...options, onProgress: () => giveUp.abort(), signal: giveUp.signal });
    await expect(start).rejects.toThrow(/closed|aborted/);
  });

  it('fails requests after it was closed, instead of leaving them without an answer', async () => {
    const pool = await ExpertPool.start(options);
    await pool.close();
    const channel = new ExpertChannel(pool.hosts[0]!.channels[0]!);
    channel.request({ layer: 0, epoch: 0, numTokens: 1, numExperts: 1, numRows: 1, numNodes: 0 });
    expect(channel.takeAnswer()).toEqual({ failure: 'Expert thread 0 (shard 1) was closed' });
  });

  it('says which thread ended by itself', async () => {
    const failure = Promise.withResolvers<RingmeshError>();
    // A thread without channels has nothing to wait on, and fails as soon as it is ready.
    const pool = await ExpertPool.start({ ...options, threads: 1, numSlots: 0, onFailure: failure.resolve });
    expect((await failure.promise).message).toMatch(/^Expert thread 0 \(shard 1, 2, 4\)/);
    await pool.close();
  });
});

import { BatchSplitter, ShardRule } from '@ringmesh/placement';
import { type ChannelShape, Doorbell, type ExpertBatch, ExpertChannel } from '@ringmesh/protocol';
import { afterEach, expect, it, vi } from 'vitest';
import { ComputeThread } from './compute-thread.js';

const SHAPE: ChannelShape = { hiddenSize: 1, maxTokens: 4, numExperts: 2, expertsPerToken: 1, numShards: 1 };
const BATCH: ExpertBatch = {
  layer: 0,
  epoch: 0,
  numTokens: 1,
  hidden: new Float32Array([1]), // [T, H]
  experts: new Int32Array([0]),
  counts: new Int32Array([1]),
  rows: new Int32Array([0]),
  weights: new Float32Array([1]),
};

afterEach(() => vi.restoreAllMocks());

it('loses no answer that comes while it collects answers', async () => {
  const channel = ExpertChannel.create(SHAPE, new Doorbell(), new Doorbell());
  const splitter = new BatchSplitter(new ShardRule(SHAPE.numExperts, SHAPE.numShards), SHAPE.hiddenSize, SHAPE.maxTokens);
  const thread = new ComputeThread({ shards: [0], channels: [channel.buffers] }, splitter, 100);
  const compute = () => thread.compute({ batch: BATCH, deadline: Infinity, isWanted: () => true }, new Uint8Array([1]));
  const answer = (): void => {
    expect(channel.takeRequest()).not.toBeNull();
    channel.reply(1);
  };

  const first = compute();
  answer();
  vi.spyOn(ExpertChannel.prototype, 'isAnswered', 'get').mockReturnValueOnce(false); // as if it came just after the first look
  thread.collectAnswers();
  thread.collectAnswers();
  (await first).release();

  const second = compute();
  answer();
  thread.collectAnswers();
  await expect(second).resolves.toMatchObject({ partials: expect.any(Float32Array) as Float32Array });
});

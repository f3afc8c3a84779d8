import { BatchSplitter, ShardRule } from '@ringmesh/placement';
import { type ChannelShape, Doorbell, type ExpertBatch, ExpertChannel } from '@ringmesh/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ComputeThread, type ForwardJob, type ThreadAnswer } from './compute-thread.js';

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
  nodes: new Int32Array(),
};

/** A thread with one channel, whose other end is here. */
function makeThread(maxQueuedTokens = 100) {
  const channel = ExpertChannel.create(SHAPE, new Doorbell(), new Doorbell());
  const splitter = new BatchSplitter(new ShardRule(SHAPE.numExperts, SHAPE.numShards), SHAPE.hiddenSize, SHAPE.maxTokens);
  const thread = new ComputeThread({ shards: [0], channels: [channel.buffers] }, splitter, maxQueuedTokens);
  const compute = (job: Partial<ForwardJob> = {}): Promise<ThreadAnswer> =>
    thread.compute({ batch: BATCH, deadline: Infinity, isWanted: () => true, ...job }, new Uint8Array([1]));
  const answer = (partial: number): void => {
    expect(channel.takeRequest()).not.toBeNull();
    channel.partials[0] = partial;
    channel.reply(1);
  };
  return { thread, channel, compute, answer };
}

afterEach(() => vi.restoreAllMocks());

describe('ComputeThread', () => {
  it('computes one batch after another, each once the memory of the last is free', async () => {
    const { thread, channel, compute, answer } = makeThread();
    const answers = [compute(), compute()];
    answer(10);
    thread.collectAnswers();
    const first = await answers[0]!;
    expect(first).toMatchObject({ partials: Float32Array.of(10), queueSeconds: expect.any(Number) as number });
    expect(channel.takeRequest()).toBeNull();
    first.release();
    answer(20);
    thread.collectAnswers();
    await expect(answers[1]).resolves.toMatchObject({ partials: Float32Array.of(20) });
  });

  it('does not begin what is too late or not wanted any more, and passes failures on', async () => {
    const { thread, channel, compute } = makeThread();
    const failing = compute();
    const late = compute({ deadline: performance.now() - 1 });
    const unwanted = compute({ isWanted: () => false });
    expect(channel.takeRequest()).not.toBeNull();
    channel.fail('out of order');
    thread.collectAnswers();
    await expect(failing).rejects.toThrow('out of order');
    for (const each of [late, unwanted]) await expect(each).rejects.toThrow(/waited \d+ ms for shard 0 and was not begun/);
    expect(channel.takeRequest()).toBeNull();
  });

  it('refuses more than may wait', async () => {
    const { compute } = makeThread(2);
    const accepted = [compute(), compute(), compute()];
    expect(() => compute()).toThrow('overloaded: 2 tokens wait for shard 0, and 2 may');
    expect(accepted).toHaveLength(3);
  });

  it('loses no answer that comes while it collects answers', async () => {
    const { thread, compute, answer } = makeThread();
    const first = compute();
    answer(1);
    vi.spyOn(ExpertChannel.prototype, 'isAnswered', 'get').mockReturnValueOnce(false); // as if it came just after the first look
    thread.collectAnswers();
    thread.collectAnswers();
    (await first).release();

    const second = compute();
    answer(2);
    thread.collectAnswers();
    await expect(second).resolves.toMatchObject({ partials: Float32Array.of(2) });
  });
});

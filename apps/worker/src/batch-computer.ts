import type { PooledHost } from '@ringmesh/experts';
import { BatchSplitter, PartialLayout, ShardRule } from '@ringmesh/placement';
import { type ChannelShape, type Doorbell, ForwardStatus } from '@ringmesh/protocol';
import { ComputeThread, type ForwardJob, type ThreadAnswer } from './compute-thread.js';
import { ForwardError } from './forward-error.js';

/** The partial sums of a batch. */
export interface ComputedBatch {
  /** One block of whole rows for each shard with rows, ascending; valid until {@link release}. */
  blocks: Float32Array[];
  /** Of each thread that had a part in it. */
  answers: ThreadAnswer[];
  release: () => void;
}

/** Where the partial sums of one shard are to come from. */
interface ShardPart {
  thread: ComputeThread;
  numRows: number;
}

/** Tokens that may wait for a thread, as multiples of the largest batch: more would miss their deadlines anyway. */
const MAX_QUEUED_BATCHES = 8;

/** Has batches computed by the threads of a pool: splits each over the threads of its shards and puts their answers in shard order. */
export class BatchComputer {
  private readonly rule: ShardRule;
  private readonly layout: PartialLayout;
  private readonly threads: ComputeThread[];
  private readonly threadOfShard = new Map<number, ComputeThread>();
  private isClosed = false;

  constructor(
    hosts: PooledHost[],
    private readonly shape: ChannelShape,
    private readonly bell: Doorbell,
  ) {
    this.rule = new ShardRule(shape.numExperts, shape.numShards);
    this.layout = new PartialLayout(this.rule, shape.maxTokens, shape.expertsPerToken);
    const splitter = new BatchSplitter(this.rule, shape.hiddenSize, shape.maxTokens);
    this.threads = hosts.map((host) => new ComputeThread(host, splitter, MAX_QUEUED_BATCHES * shape.maxTokens));
    for (const thread of this.threads) for (const shard of thread.shards) this.threadOfShard.set(shard, thread);
    void this.collectAnswers();
  }

  /** @throws ForwardError @param job its batch was checked */
  async compute(job: ForwardJob): Promise<ComputedBatch> {
    const parts = this.partsOf(job);
    const wanted = new Map(Array.from(parts.values(), ({ thread }) => [thread, new Uint8Array(this.rule.numShards)]));
    for (const [shard, { thread }] of parts) wanted.get(thread)![shard] = 1;
    const results = await Promise.allSettled(Array.from(wanted, async ([thread, shards]) => thread.compute(job, shards)));
    const answers = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
    const release = (): void => answers.forEach((answer) => answer.release());
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      release();
      throw failed.reason as Error;
    }
    const answerOf = new Map([...wanted.keys()].map((thread, index) => [thread, answers[index]!.partials]));
    return { blocks: this.blocksOf(parts, answerOf), answers, release };
  }

  close(): void {
    this.isClosed = true;
    this.bell.ring();
  }

  /** For each shard with rows, ascending, the thread that has it. */
  private partsOf({ batch }: ForwardJob): Map<number, ShardPart> {
    const { layout } = this;
    layout.update(batch);
    const parts = new Map<number, ShardPart>();
    layout.shards.forEach((shard, index) => {
      const thread = this.threadOfShard.get(shard);
      if (thread === undefined) {
        const hosted = [...this.threadOfShard.keys()].join(', ');
        throw new ForwardError(ForwardStatus.STATUS_SHARD_NOT_HOSTED, `shard ${shard} is not hosted here, only shard ${hosted}`);
      }
      parts.set(shard, { thread, numRows: layout.shardStarts[index + 1]! - layout.shardStarts[index]! });
    });
    return parts;
  }

  /** Cuts the threads' answers [P, H] into shards. */
  private blocksOf(parts: Map<number, ShardPart>, answerOf: Map<ComputeThread, Float32Array>): Float32Array[] {
    return Array.from(parts.values(), ({ thread, numRows }) => {
      const partials = answerOf.get(thread)!;
      const length = numRows * this.shape.hiddenSize;
      answerOf.set(thread, partials.subarray(length));
      return partials.subarray(0, length); // [rows of the shard, H]
    });
  }

  private async collectAnswers(): Promise<void> {
    while (!this.isClosed) {
      const seen = this.bell.value;
      for (const thread of this.threads) thread.collectAnswers();
      await this.bell.waitAsync(seen);
    }
  }
}

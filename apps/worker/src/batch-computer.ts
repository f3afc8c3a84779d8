import type { PooledHost } from '@ringmesh/experts';
import { BatchSplitter, PartialLayout, ReductionTree, ShardRule, TreeSum } from '@ringmesh/placement';
import { type ChannelShape, type Doorbell, ForwardStatus } from '@ringmesh/protocol';
import { ComputeThread, type ForwardJob, type ThreadAnswer } from './compute-thread.js';
import { ForwardError } from './forward-error.js';

/** The partial sums of a batch. */
export interface ComputedBatch {
  /** Blocks of whole rows, in the order of the reply; valid until {@link release}. */
  blocks: Float32Array[];
  /** Of each thread that had a part in it. */
  answers: ThreadAnswer[];
  release: () => void;
}

/** Where the partial sums of one shard are to come from. */
interface ShardPart {
  thread: ComputeThread;
  rows: Int32Array; // [P]
}

/** The partial sums of one shard. */
interface ShardSums {
  shard: number;
  rows: Int32Array; // [P]
  partials: Float32Array; // [P, H]
}

/** Tokens that may wait for a thread, as multiples of the largest batch: more would miss their deadlines anyway. */
const MAX_QUEUED_BATCHES = 8;

/** Has batches computed by the threads of a pool: splits each over the threads of its shards and joins their answers. */
export class BatchComputer {
  private readonly rule: ShardRule;
  private readonly tree: ReductionTree;
  private readonly treeSum: TreeSum;
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
    this.tree = new ReductionTree(shape.numShards);
    this.treeSum = new TreeSum(shape.hiddenSize);
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
    const sums = this.sumsOf(parts, answerOf);
    const { nodes, numTokens } = job.batch;
    const blocks = nodes.length === 0 ? sums.map(({ partials }) => partials) : [this.joinShards(sums, nodes, numTokens)];
    return { blocks, answers, release };
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
      parts.set(shard, { thread, rows: layout.rows.slice(layout.shardStarts[index], layout.shardStarts[index + 1]) });
    });
    if (batch.nodes.length > 0) this.tree.check(batch.nodes, layout.shards);
    return parts;
  }

  /** Cuts the threads' answers [P, H] into shards. */
  private sumsOf(parts: Map<number, ShardPart>, answerOf: Map<ComputeThread, Float32Array>): ShardSums[] {
    return Array.from(parts, ([shard, { thread, rows }]) => {
      const partials = answerOf.get(thread)!;
      const length = rows.length * this.shape.hiddenSize;
      answerOf.set(thread, partials.subarray(length));
      return { shard, rows, partials: partials.subarray(0, length) }; // [P, H]
    });
  }

  /** Adds up, in their own memory, the shards below each node. @returns for each node and each row of its shards the sum: [P, H] */
  private joinShards(sums: ShardSums[], nodes: Int32Array, numTokens: number): Float32Array {
    const { hiddenSize } = this.shape;
    const joined = new Float32Array(sums.reduce((length, { partials }) => length + partials.length, 0)); // [≥ P, H]
    let length = 0;
    for (const node of nodes) {
      const end = this.tree.endShard(node);
      this.treeSum.clear();
      for (let next = sums[0]; next !== undefined && next.shard < end; next = sums[0]) {
        this.treeSum.add(next.shard, next.rows, next.partials, 0);
        sums.shift();
      }
      this.treeSum.forEachRow(numTokens, (_, partials, start) => {
        joined.set(partials.subarray(start, start + hiddenSize), length); // [H]
        length += hiddenSize;
      });
    }
    return joined.subarray(0, length);
  }

  private async collectAnswers(): Promise<void> {
    while (!this.isClosed) {
      const seen = this.bell.value;
      for (const thread of this.threads) thread.collectAnswers();
      await this.bell.waitAsync(seen);
    }
  }
}

import { PartialLayout, type ReductionTree, type ShardRule, TreeSum } from '@ringmesh/placement';
import type { ChannelShape } from '@ringmesh/protocol';
import { addScaled } from '@ringmesh/tensor';
import type { Exchange } from './expert-host.js';
import { RoutedBatch } from './routed-batch.js';

/** Partial sums of some shards, one for each of their rows. */
interface ReceivedSums {
  rows: Int32Array; // [P]
  /** Where they lie, and from which element on. */
  partials: Float32Array; // [P, H]
  start: number;
}

/** One micro-batch in flight: what was routed, who works on it, and the partial sums that have come back. */
export class Slot {
  readonly batch: RoutedBatch;
  readonly layout: PartialLayout;
  /** (token, expert) pairs of each shard. */
  readonly rowsOfShard: Int32Array; // [S]
  /** Exchanges whose answers have not been taken. */
  readonly waiting: Exchange[] = [];
  /** `performance.now()` after which they are given up. */
  deadline = 0;
  isBusy = false;

  /** The partial sums that came, each at the first shard that they are of; null where none came. */
  private readonly received: (ReceivedSums | null)[]; // [S]
  private readonly treeSum: TreeSum;

  constructor(
    private readonly rule: ShardRule,
    private readonly tree: ReductionTree,
    private readonly shape: ChannelShape,
  ) {
    this.batch = new RoutedBatch(shape);
    this.layout = new PartialLayout(rule, shape.maxTokens, shape.expertsPerToken);
    this.rowsOfShard = new Int32Array(shape.numShards);
    this.received = Array.from({ length: shape.numShards }, () => null);
    this.treeSum = new TreeSum(shape.hiddenSize);
  }

  /** Groups a micro-batch by expert and by shard; see {@link RoutedBatch.route}. */
  route(hidden: Float32Array, topkIds: BigInt64Array | Int32Array, topkWeights: Float32Array, numTokens: number): void {
    const { batch, layout, rowsOfShard } = this;
    batch.route(hidden, topkIds, topkWeights, numTokens);
    layout.update(batch);
    this.received.fill(null);
    rowsOfShard.fill(0);
    for (let index = 0; index < batch.experts.length; index++) {
      rowsOfShard[this.rule.shardOf(batch.experts[index]!)]! += batch.counts[index]!;
    }
  }

  /**
   * Takes a host's partial sums, as they were asked for. They stay where they are until {@link addTo}.
   * @returns false where they are not as many
   */
  receive({ wanted, nodes }: Exchange, partials: Float32Array): boolean {
    const blocks: (ReceivedSums & { shard: number })[] = [];
    let start = 0;
    const expect = (shard: number, end: number): void => {
      const rows = this.layout.rowsOf(shard, end);
      blocks.push({ shard, rows, partials, start });
      start += rows.length * this.shape.hiddenSize;
    };
    if (nodes.length > 0) for (const node of nodes) expect(this.tree.firstShard(node), this.tree.endShard(node));
    else for (const shard of this.layout.shards) if (wanted[shard] === 1) expect(shard, shard + 1);
    if (start !== partials.length) return false;
    for (const block of blocks) this.received[block.shard] = block;
    return true;
  }

  /** Copies what was received out of the channels, so that these can be used again in the same slot. */
  keepPartials(): void {
    for (const block of this.received) {
      if (block === null) continue;
      block.partials = block.partials.slice(block.start, block.start + block.rows.length * this.shape.hiddenSize);
      block.start = 0;
    }
  }

  /**
   * Adds up the partial sums of each token in the order of the reduction tree, in their own memory: the result does not depend on which hosts
   * computed them.
   * @param output [T, H]
   */
  addTo(output: Float32Array): void {
    const { treeSum, received } = this;
    const { hiddenSize } = this.shape;
    treeSum.clear();
    for (const [shard, block] of received.entries()) if (block !== null) treeSum.add(shard, block.rows, block.partials, block.start);
    treeSum.forEachRow(this.batch.numTokens, (row, partials, start) => {
      addScaled(output, row * hiddenSize, partials, start, hiddenSize, 1); // [H]
    });
  }
}

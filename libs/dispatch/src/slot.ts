import { PartialLayout, type ShardRule } from '@ringmesh/placement';
import type { ChannelShape } from '@ringmesh/protocol';
import { addScaled } from '@ringmesh/tensor';
import type { Exchange } from './expert-host.js';
import { RoutedBatch } from './routed-batch.js';

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

  /** Where each shard's partial sums lie: in which array, and at which element. */
  private readonly partials: Float32Array[]; // [S]
  private readonly partialStarts: Int32Array; // [S]

  constructor(
    private readonly rule: ShardRule,
    private readonly shape: ChannelShape,
  ) {
    this.batch = new RoutedBatch(shape);
    this.layout = new PartialLayout(rule, shape.maxTokens, shape.expertsPerToken);
    this.rowsOfShard = new Int32Array(shape.numShards);
    this.partials = Array.from({ length: shape.numShards }, () => new Float32Array());
    this.partialStarts = new Int32Array(shape.numShards);
  }

  /** Groups a micro-batch by expert and by shard; see {@link RoutedBatch.route}. */
  route(hidden: Float32Array, topkIds: BigInt64Array | Int32Array, topkWeights: Float32Array, numTokens: number): void {
    const { batch, layout, rowsOfShard } = this;
    batch.route(hidden, topkIds, topkWeights, numTokens);
    layout.update(batch);
    rowsOfShard.fill(0);
    for (let index = 0; index < batch.experts.length; index++) {
      rowsOfShard[this.rule.shardOf(batch.experts[index]!)]! += batch.counts[index]!;
    }
  }

  /**
   * Takes a host's partial sums: those of its wanted shards, ascending. They stay where they are until {@link addTo}.
   * @returns false where they are not as many as were asked for
   */
  receive(wanted: Uint8Array, partials: Float32Array): boolean {
    let start = 0;
    for (let index = 0; index < this.layout.shards.length; index++) {
      const shard = this.layout.shards[index]!;
      if (wanted[shard] === 0) continue;
      this.partials[shard] = partials; // [P, H]
      this.partialStarts[shard] = start;
      start += this.partialLength(index);
    }
    return start === partials.length;
  }

  /** Copies what was received out of the channels, so that these can be used again in the same slot. */
  keepPartials(): void {
    for (let index = 0; index < this.layout.shards.length; index++) {
      const shard = this.layout.shards[index]!;
      const start = this.partialStarts[shard]!;
      this.partials[shard] = this.partials[shard]!.slice(start, start + this.partialLength(index));
      this.partialStarts[shard] = 0;
    }
  }

  /**
   * Adds the partial sums to each token in shard order: the result does not depend on which hosts computed them.
   * @param output [T, H]
   */
  addTo(output: Float32Array): void {
    const { hiddenSize } = this.shape;
    const { shards, shardStarts, rows } = this.layout;
    for (let index = 0; index < shards.length; index++) {
      const partials = this.partials[shards[index]!]!; // [P, H]
      let from = this.partialStarts[shards[index]!]!;
      for (let p = shardStarts[index]!; p < shardStarts[index + 1]!; p++) {
        addScaled(output, rows[p]! * hiddenSize, partials, from, hiddenSize, 1); // [H]
        from += hiddenSize;
      }
    }
  }

  /** Numbers in the partial sums of the shard at `index` of the layout. */
  private partialLength(index: number): number {
    return (this.layout.shardStarts[index + 1]! - this.layout.shardStarts[index]!) * this.shape.hiddenSize;
  }
}

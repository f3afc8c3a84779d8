import type { ExpertBatch, ExpertChannel } from '@ringmesh/protocol';
import type { ShardRule } from './shard-rule.js';

const NO_NODES = new Int32Array();

/**
 * Sends the part of a batch that concerns some shards: their experts, and only the rows that those need, renumbered in the same order.
 * So a shard's partial sums have the same rows in the same order, whatever else the batch holds.
 */
export class BatchSplitter {
  /** Each row's number in the part, −1 for rows it does not need. */
  private readonly partRow: Int32Array; // [maxTokens]

  constructor(
    private readonly rule: ShardRule,
    private readonly hiddenSize: number,
    maxTokens: number,
  ) {
    this.partRow = new Int32Array(maxTokens).fill(-1);
  }

  /**
   * Writes the part into an idle channel and requests it.
   * @param wanted [S], 1 for the shards of the part, at least one of which has rows
   * @param nodes of the reduction tree, if their sums are wanted instead of each shard's
   * @returns T of the part
   */
  request(channel: ExpertChannel, batch: ExpertBatch, wanted: Uint8Array, nodes = NO_NODES): number {
    const { partRow } = this;
    let numExperts = 0;
    let numRows = 0;
    for (let index = 0, start = 0; index < batch.experts.length; index++) {
      const expert = batch.experts[index]!;
      const end = start + batch.counts[index]!;
      if (wanted[this.rule.shardOf(expert)] === 1) {
        channel.experts[numExperts] = expert;
        channel.counts[numExperts++] = end - start;
        for (let r = start; r < end; r++) {
          const row = batch.rows[r]!;
          partRow[row] = 0;
          channel.rows[numRows] = row;
          channel.weights[numRows++] = batch.weights[r]!;
        }
      }
      start = end;
    }
    const numTokens = this.copyRows(batch, channel.hidden);
    for (let r = 0; r < numRows; r++) channel.rows[r] = partRow[channel.rows[r]!]!;
    partRow.fill(-1, 0, batch.numTokens);
    channel.nodes.set(nodes);
    channel.request({ layer: batch.layer, epoch: batch.epoch, numTokens, numExperts, numRows, numNodes: nodes.length });
    return numTokens;
  }

  /** Numbers the rows marked in `partRow` and copies them. @returns how many they are */
  private copyRows({ hidden, numTokens }: ExpertBatch, target: Float32Array): number {
    const { partRow, hiddenSize } = this;
    let copied = 0;
    for (let row = 0; row < numTokens; row++) {
      if (partRow[row]! < 0) continue;
      target.set(hidden.subarray(row * hiddenSize, (row + 1) * hiddenSize), copied * hiddenSize); // [H]
      partRow[row] = copied++;
    }
    return copied;
  }
}

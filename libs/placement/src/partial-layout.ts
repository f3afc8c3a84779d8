import type { ExpertBatch } from '@ringmesh/protocol';
import type { ShardRule } from './shard-rule.js';

/**
 * Where the partial sums of a batch lie in its answer [P, H]: for each shard that has rows, ascending, one partial sum for each of its rows,
 * ascending. Made once and updated for every batch; its arrays are valid until the next update.
 */
export class PartialLayout {
  /** Shards that have rows, ascending. */
  shards = new Int32Array(); // [shards with rows]
  /** Where each of them starts in {@link rows}; the last entry is P. */
  shardStarts = new Int32Array(); // [shards with rows + 1]
  /** The row of `hidden` that each partial sum belongs to. */
  rows = new Int32Array(); // [P]
  /** For each entry of the batch's `rows`, the partial sum that its expert adds to. */
  targets = new Int32Array(); // [R]

  private readonly memory: Record<'shards' | 'shardStarts' | 'rows' | 'targets', Int32Array<ArrayBuffer>>;
  /** The partial sum of each row within the shard at hand, −1 for rows it does not have. */
  private readonly partialOfRow: Int32Array; // [maxTokens]

  /** @param maxTokens T at most @param expertsPerToken k: R ≤ T·k */
  constructor(
    private readonly rule: ShardRule,
    maxTokens: number,
    expertsPerToken: number,
  ) {
    const maxRows = maxTokens * expertsPerToken;
    this.memory = {
      shards: new Int32Array(rule.numShards),
      shardStarts: new Int32Array(rule.numShards + 1),
      rows: new Int32Array(maxRows),
      targets: new Int32Array(maxRows),
    };
    this.partialOfRow = new Int32Array(maxTokens).fill(-1);
  }

  /** P */
  get numPartials(): number {
    return this.rows.length;
  }

  /** The rows that any shard in [first, end) has, ascending. */
  rowsOf(first: number, end: number): Int32Array {
    const { shards, shardStarts, rows, partialOfRow } = this;
    let from = 0;
    while (from < shards.length && shards[from]! < first) from++;
    let to = from;
    while (to < shards.length && shards[to]! < end) to++;
    const candidates = rows.subarray(shardStarts[from], shardStarts[to]);
    if (to - from <= 1) return candidates;
    let numRows = 0;
    const joined = new Int32Array(candidates.length);
    for (const row of candidates) {
      if (partialOfRow[row] === 0) continue;
      partialOfRow[row] = 0;
      joined[numRows++] = row;
    }
    for (const row of candidates) partialOfRow[row] = -1;
    return joined.subarray(0, numRows).sort();
  }

  update(batch: Pick<ExpertBatch, 'numTokens' | 'experts' | 'counts' | 'rows'>): void {
    const { shards, shardStarts } = this.memory;
    let numShards = 0;
    let numPartials = 0;
    let firstRow = 0;
    for (let index = 0; index < batch.experts.length;) {
      const shard = this.rule.shardOf(batch.experts[index]!);
      let endRow = firstRow;
      while (index < batch.experts.length && this.rule.shardOf(batch.experts[index]!) === shard) endRow += batch.counts[index++]!;
      shards[numShards] = shard;
      shardStarts[numShards++] = numPartials;
      numPartials = this.layOutShard(batch.rows, firstRow, endRow, batch.numTokens, numPartials);
      firstRow = endRow;
    }
    shardStarts[numShards] = numPartials;
    this.shards = shards.subarray(0, numShards);
    this.shardStarts = shardStarts.subarray(0, numShards + 1);
    this.rows = this.memory.rows.subarray(0, numPartials);
    this.targets = this.memory.targets.subarray(0, firstRow);
  }

  /** Lays out the shard whose experts' rows are `batchRows[firstRow, endRow)`. @returns the partial sums so far */
  private layOutShard(batchRows: Int32Array, firstRow: number, endRow: number, numTokens: number, firstPartial: number): number {
    const { partialOfRow } = this;
    const { rows, targets } = this.memory;
    for (let r = firstRow; r < endRow; r++) partialOfRow[batchRows[r]!] = 0;
    let numPartials = firstPartial;
    for (let row = 0; row < numTokens; row++) {
      if (partialOfRow[row]! < 0) continue;
      rows[numPartials] = row;
      partialOfRow[row] = numPartials++;
    }
    for (let r = firstRow; r < endRow; r++) targets[r] = partialOfRow[batchRows[r]!]!;
    for (let p = firstPartial; p < numPartials; p++) partialOfRow[rows[p]!] = -1;
    return numPartials;
  }
}

import { int64, type Tensor } from '@ringmesh/onnx';
import type { Segment } from './segment.js';

/**
 * Segments that go through the layers together. Two micro-batches may be in flight, so that the attention of one overlaps the experts of
 * the other; `slot` tells them apart.
 */
export class MicroBatch {
  /** T: tokens of all segments. */
  readonly numTokens: number;
  readonly tokenIds: Tensor; // [T]
  /** Row of each segment's first token. */
  readonly starts: number[] = [];

  constructor(
    readonly slot: number,
    readonly segments: Segment[],
  ) {
    let numTokens = 0;
    for (const { tokenIds } of segments) {
      this.starts.push(numTokens);
      numTokens += tokenIds.length;
    }
    this.numTokens = numTokens;
    const ids = new BigInt64Array(numTokens);
    for (const [index, { tokenIds }] of segments.entries()) ids.set(BigInt64Array.from(tokenIds, BigInt), this.starts[index]);
    this.tokenIds = int64(ids, [numTokens]);
  }

  /** The rows that logits are wanted of, in order. */
  logitRows(): number[] {
    const rows: number[] = [];
    for (const [index, { logits, tokenIds }] of this.segments.entries()) {
      const end = this.starts[index]! + tokenIds.length;
      const first = logits === 'none' ? end : logits === 'last' ? end - 1 : this.starts[index]!;
      for (let row = first; row < end; row++) rows.push(row);
    }
    return rows;
  }
}

import { float32, int64, type Tensor } from '@ringmesh/onnx';
import type { Segment } from './segment.js';

/**
 * Segments that go through the layers together. Two micro-batches may be in flight, so that the attention of one overlaps the experts of
 * the other; `slot` tells their dispatches apart.
 */
export class MicroBatch {
  /** T: tokens of all segments. */
  readonly numTokens: number;
  readonly tokenIds: Tensor; // [T]
  readonly positions: Tensor; // [1, T]
  /** Row of each segment's first token. */
  readonly starts: number[];
  /** The residual stream without the last layer's update. */
  residual: Float32Array = new Float32Array(0); // [T, H]
  /** What the last layer adds to it. */
  update: Float32Array = new Float32Array(0); // [T, H]
  private readonly masks = new Map<number, Tensor>();

  constructor(
    readonly slot: number,
    readonly segments: Segment[],
  ) {
    this.starts = [];
    let numTokens = 0;
    for (const { tokenIds } of segments) {
      this.starts.push(numTokens);
      numTokens += tokenIds.length;
    }
    this.numTokens = numTokens;
    const ids = new BigInt64Array(numTokens);
    const positions = new BigInt64Array(numTokens);
    for (const [index, { tokenIds, cache }] of segments.entries()) {
      const start = this.starts[index]!;
      for (let i = 0; i < tokenIds.length; i++) {
        ids[start + i] = BigInt(tokenIds[i]!);
        positions[start + i] = BigInt(cache.length + i);
      }
    }
    this.tokenIds = int64(ids, [numTokens]);
    this.positions = int64(positions, [1, numTokens]);
  }

  /** The causal mask of a prefill segment, made once for all layers: 0 for what a row may see, −∞ for the rest. */
  mask(index: number): Tensor {
    const made = this.masks.get(index);
    if (made !== undefined) return made;
    const { cache, tokenIds } = this.segments[index]!;
    const count = tokenIds.length;
    const length = cache.length + count;
    const mask = float32(causalMask(count, length), [count, length]); // [t, L]
    this.masks.set(index, mask);
    return mask;
  }
}

/** Row i of the `count` newest tokens may see everything up to itself. @returns [count, length] */
function causalMask(count: number, length: number): Float32Array {
  const mask = new Float32Array(count * length);
  for (let row = 0; row < count; row++) mask.fill(-Infinity, row * length + length - count + row + 1, (row + 1) * length);
  return mask;
}

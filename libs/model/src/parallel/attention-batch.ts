import { type BlockMemory, type CacheLayout, type CacheMemory, CacheView } from '@ringmesh/kv-cache';
import { float32, type Tensor } from '@ringmesh/onnx';
import type { Rotary } from '../rotary.js';

/** What a micro-batch is, as plain data that every compute thread is sent. */
export interface BatchPlan {
  /** Tells micro-batches apart. */
  id: number;
  segments: { memory: CacheMemory; /** t: new tokens. */ numTokens: number }[];
}

/** One sequence's part of a micro-batch. */
export interface AttentionSegment {
  cache: CacheView;
  /** Row of its first token. */
  start: number;
  /** t */
  numTokens: number;
  /** L: tokens that the last of them sees, itself included. */
  length: number;
}

/** A micro-batch as one compute thread's attention sees it. */
export class AttentionBatch {
  readonly id: number;
  /** T: tokens of all segments. */
  readonly numTokens: number;
  /** cos and sin of the tokens' positions. */
  readonly angles: Float32Array; // [T, D]
  readonly segments: AttentionSegment[];
  private readonly masks = new Map<number, Tensor>();

  constructor(plan: BatchPlan, layout: CacheLayout, blocks: BlockMemory, rotary: Rotary) {
    this.id = plan.id;
    let start = 0;
    this.segments = plan.segments.map(({ memory, numTokens }) => {
      const segment = { cache: new CacheView(layout, blocks, memory), start, numTokens, length: memory.length + numTokens };
      start += numTokens;
      return segment;
    });
    this.numTokens = start;
    const positions = new Int32Array(start);
    for (const { start: first, numTokens, length } of this.segments) {
      for (let i = 0; i < numTokens; i++) positions[first + i] = length - numTokens + i;
    }
    this.angles = rotary.angles(positions); // [T, D]
  }

  /** The causal mask of a prefill segment, made once for all layers: 0 for what a row may see, −∞ for the rest. */
  mask(index: number): Tensor {
    const made = this.masks.get(index);
    if (made !== undefined) return made;
    const { numTokens, length } = this.segments[index]!;
    const mask = float32(causalMask(numTokens, length), [numTokens, length]); // [t, L]
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

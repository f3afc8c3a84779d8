import type { KvCachePool } from './kv-cache-pool.js';

/** Capacity grows in steps of this many tokens, so that a decode step seldom reallocates. */
export const BLOCK_TOKENS = 64;

/**
 * Keys and values of one sequence: for each layer two head-major arrays [KV heads, capacity, D]. The rows of one head are contiguous, so
 * the attention core reads them as views, without a copy.
 */
export class SequenceCache {
  private readonly keys: Float32Array[]; // per layer [KV heads, capacity, D]
  private readonly values: Float32Array[]; // per layer [KV heads, capacity, D]
  private numTokens = 0;
  private tokenCapacity = 0;

  constructor(private readonly pool: KvCachePool) {
    this.keys = Array.from({ length: pool.shape.numLayers }, () => new Float32Array(0));
    this.values = Array.from({ length: pool.shape.numLayers }, () => new Float32Array(0));
  }

  /** Tokens whose keys and values are stored for every layer. */
  get length(): number {
    return this.numTokens;
  }

  /** Bytes this sequence holds of the pool's limit. */
  get bytes(): number {
    return this.pool.bytesFor(this.tokenCapacity);
  }

  /** Makes room for `numTokens` more tokens. @returns false, with nothing changed, where the pool's limit forbids it */
  reserve(numTokens: number): boolean {
    const needed = this.numTokens + numTokens;
    if (needed <= this.tokenCapacity) return true;
    const exact = roundUp(needed);
    const roomy = Math.max(exact, roundUp(this.tokenCapacity * 1.5));
    const capacity = [roomy, exact].find((candidate) => this.pool.take(this.pool.bytesFor(candidate - this.tokenCapacity)));
    if (capacity === undefined) return false;
    for (const side of [this.keys, this.values]) {
      for (const [layer, old] of side.entries()) side[layer] = this.grown(old, capacity);
    }
    this.tokenCapacity = capacity;
    return true;
  }

  /**
   * Writes the keys and values of one layer for tokens that follow the stored ones; {@link advance} makes them count.
   * @param keys [KV heads, T, D] of which rows `start`…`start + count` belong to this sequence; `values` alike
   */
  append(layer: number, keys: Float32Array, values: Float32Array, totalTokens: number, start: number, count: number): void {
    const { numKeyValueHeads, headDim } = this.pool.shape;
    for (let head = 0; head < numKeyValueHeads; head++) {
      const from = (head * totalTokens + start) * headDim;
      const to = (head * this.tokenCapacity + this.numTokens) * headDim;
      this.keys[layer]!.set(keys.subarray(from, from + count * headDim), to);
      this.values[layer]!.set(values.subarray(from, from + count * headDim), to);
    }
  }

  /** The first `length` keys of one head, as a view. */
  keyView(layer: number, head: number, length: number): Float32Array {
    return this.view(this.keys[layer]!, head, length); // [length, D]
  }

  /** The first `length` values of one head, as a view. */
  valueView(layer: number, head: number, length: number): Float32Array {
    return this.view(this.values[layer]!, head, length); // [length, D]
  }

  /** Counts `numTokens` appended tokens as stored, after every layer has appended them. */
  advance(numTokens: number): void {
    this.numTokens += numTokens;
  }

  /** Forgets everything and gives the memory back. */
  release(): void {
    this.pool.give(this.bytes);
    this.keys.fill(new Float32Array(0));
    this.values.fill(new Float32Array(0));
    this.tokenCapacity = 0;
    this.numTokens = 0;
  }

  private view(side: Float32Array, head: number, length: number): Float32Array {
    const { headDim } = this.pool.shape;
    const start = head * this.tokenCapacity * headDim;
    return side.subarray(start, start + length * headDim);
  }

  private grown(old: Float32Array, capacity: number): Float32Array {
    const { numKeyValueHeads, headDim } = this.pool.shape;
    const next = new Float32Array(numKeyValueHeads * capacity * headDim); // [KV heads, capacity, D]
    for (let head = 0; head < numKeyValueHeads; head++) {
      const start = head * this.tokenCapacity * headDim;
      next.set(old.subarray(start, start + this.numTokens * headDim), head * capacity * headDim);
    }
    return next;
  }
}

/** The capacity that holds this many tokens. */
export function roundUp(tokens: number): number {
  return Math.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS;
}

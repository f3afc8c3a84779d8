import { instantiate, WASM_PAGE_BYTES } from '../kernels/assembler.js';
import { BLOCK_TOKENS, decodeKernel, decodeLayout, QUERIES, SCORE_BYTES } from './decode-kernel.js';

/** Parts of the kernel's memory. */
interface Views {
  queries: Float32Array; // [4, padded D]
  outputs: Float32Array; // [4, padded D]
  block: Float32Array; // [BLOCK_TOKENS, padded D]
  /** Tokens that there is room for the scores of. */
  capacity: number;
}

/**
 * Softmax attention of one token over one KV head. Keys and values come by blocks into the kernel's memory, which a processor's cache holds, so
 * that they are read once from where they are kept. (Matrix products of four rows spend most of their time on packing: docs/engine-notes.md.)
 */
export class DecodeAttention {
  private readonly memory: WebAssembly.Memory;
  private readonly kernel: Record<string, (...values: number[]) => void>;
  private views: Views;
  /** D, up to a multiple of what the kernel takes at a time. */
  private readonly padded: number;
  private readonly scale: number;

  constructor(private readonly headDim: number) {
    this.padded = Math.ceil(headDim / 8) * 8;
    this.scale = 1 / Math.sqrt(headDim);
    const { scores } = decodeLayout(this.padded);
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(scores / WASM_PAGE_BYTES) + 1 });
    this.kernel = instantiate(decodeKernel(this.padded), this.memory);
    this.views = this.openViews();
  }

  /**
   * @param query [group · D] with positions: the queries that share the KV head
   * @param keys [L, D] @param values [L, D]
   * @param attention takes the outputs [group · D], from element `start` on
   */
  run(query: Float32Array, keys: Float32Array, values: Float32Array, attention: Float32Array, start: number): void {
    const { headDim } = this;
    const numTokens = keys.length / headDim;
    this.reserve(numTokens);
    for (let first = 0; first * headDim < query.length; first += QUERIES) {
      const part = query.subarray(first * headDim, (first + QUERIES) * headDim); // [≤ 4 · D]
      this.attend(part, keys, values, numTokens);
      this.copyRows(this.views.outputs, this.padded, attention, headDim, part.length / headDim, start + first * headDim);
    }
  }

  private attend(query: Float32Array, keys: Float32Array, values: Float32Array, numTokens: number): void {
    const { headDim, padded, scale } = this;
    const { score, normalise, accumulate } = this.kernel;
    const { queries, outputs } = this.views;
    queries.fill(0);
    for (let i = 0; i < query.length; i++) queries[Math.floor(i / headDim) * padded + (i % headDim)] = query[i]! * scale;
    for (let first = 0; first < numTokens; first += BLOCK_TOKENS) {
      const end = this.loadBlock(keys, first, numTokens);
      score!(first * SCORE_BYTES, end * SCORE_BYTES);
    }
    normalise!(numTokens * SCORE_BYTES);
    outputs.fill(0);
    for (let first = 0; first < numTokens; first += BLOCK_TOKENS) {
      const end = this.loadBlock(values, first, numTokens);
      accumulate!(first * SCORE_BYTES, end * SCORE_BYTES);
    }
  }

  /** Copies the next rows [L, D] into the kernel's memory. @returns the row after the last of them */
  private loadBlock(rows: Float32Array, first: number, numTokens: number): number {
    const end = Math.min(first + BLOCK_TOKENS, numTokens);
    const { headDim, padded } = this;
    this.copyRows(rows.subarray(first * headDim, end * headDim), headDim, this.views.block, padded, end - first, 0);
    return end;
  }

  /** @param sourceWidth floats from row to row */
  private copyRows(
    source: Float32Array,
    sourceWidth: number,
    target: Float32Array,
    targetWidth: number,
    count: number,
    start: number,
  ): void {
    if (sourceWidth === targetWidth) {
      target.set(source.length === count * sourceWidth ? source : source.subarray(0, count * sourceWidth), start);
      return;
    }
    for (let row = 0; row < count; row++) {
      target.set(source.subarray(row * sourceWidth, row * sourceWidth + this.headDim), start + row * targetWidth);
    }
  }

  /** Makes room for the scores of so many tokens, and of one more: the kernel computes two at a time. */
  private reserve(numTokens: number): void {
    if (numTokens < this.views.capacity) return;
    const { scores } = decodeLayout(this.padded);
    const pages = Math.ceil((scores + 2 * numTokens * SCORE_BYTES) / WASM_PAGE_BYTES);
    this.memory.grow(pages - this.memory.buffer.byteLength / WASM_PAGE_BYTES);
    this.views = this.openViews();
  }

  private openViews(): Views {
    const { buffer } = this.memory;
    const layout = decodeLayout(this.padded);
    const rows = (address: number, count: number): Float32Array => new Float32Array(buffer, address, count * this.padded);
    return {
      queries: rows(layout.queries, QUERIES),
      outputs: rows(layout.outputs, QUERIES),
      block: rows(layout.block, BLOCK_TOKENS),
      capacity: Math.floor((buffer.byteLength - layout.scores) / SCORE_BYTES),
    };
  }
}

import { BLOCK_TOKENS, type BlockMemory, type CacheView, type RowAddress } from '@ringmesh/kv-cache';
import { assembleWide, instantiate, type KernelCalls, type KernelFunction, WASM_PAGE_BYTES } from '@ringmesh/kernels';
import type { RowIndex } from './key-value-format.js';
import { kernelTrial } from './kernel-trial.js';
import { onlineSoftmax } from './online-softmax.js';
import { QUERIES, SCORE_BYTES, type SoftmaxLayout, TOKENS_TOGETHER } from './softmax-kernel.js';

/** What a format brings along for a kernel of its own. */
export interface DecodeKernel {
  layout: SoftmaxLayout;
  /** `score(start, end, rows, scales)`: scores of a block's tokens. */
  score: KernelFunction;
  /** `accumulate(start, end, rows, scales)` adds weightsᵀ · rows to the outputs. */
  accumulate: KernelFunction;
  /** Opens the kernel's memory. */
  open(buffer: ArrayBuffer): SetQueries;
}

/** Puts queries [≤ 4 · D], times `scale`, into a kernel's memory. */
export type SetQueries = (queries: Float32Array, scale: number) => void;

/** Keys and values of one KV head. */
export interface HeadRows {
  cache: CacheView;
  keys: RowIndex;
  values: RowIndex;
  /** L: tokens that are attended to. Where they are odd in number, the row after the last is a copy of it. */
  length: number;
}

/**
 * Softmax attention of one token over one KV head. The kernel reads keys and values where they are kept, block by block along the block table:
 * keys of some blocks, then their values. (Matrix products of four rows spend most of their time on packing: docs/engine-notes.md.)
 */
export class DecodeAttention {
  /** The kernel over each of the blocks' memories. */
  private readonly calls: KernelCalls[];
  private readonly setQueries: SetQueries;
  private readonly outputs: Float32Array; // [4, W]
  private readonly largest: Float32Array; // [4]
  private readonly largestScored: Float32Array; // [4]
  private readonly sums: Float32Array; // [2, 4]

  constructor(
    private readonly headDim: number,
    private readonly kernel: DecodeKernel,
    blocks: BlockMemory,
  ) {
    const { layout } = kernel;
    const pages = Math.ceil(layout.end / WASM_PAGE_BYTES);
    const own = new WebAssembly.Memory<ArrayBuffer>({ initial: pages });
    const module = assembleWide(onlineSoftmax(kernel), [{ name: 'own', pages }, { name: 'blocks' }], (each) =>
      kernelTrial(each, kernel, headDim),
    );
    this.calls = blocks.memories.map((memory) => instantiate(module, { own, blocks: memory }));
    this.setQueries = kernel.open(own.buffer);
    this.outputs = new Float32Array(own.buffer, layout.outputs, QUERIES * layout.outputWidth);
    this.largest = new Float32Array(own.buffer, layout.largest, QUERIES);
    this.largestScored = new Float32Array(own.buffer, layout.largestScored, QUERIES);
    this.sums = new Float32Array(own.buffer, layout.sums, 2 * QUERIES);
  }

  /**
   * @param query [group · D] with positions: the queries that share the KV head
   * @param attention takes the outputs [group · D], from element `start` on
   */
  run(query: Float32Array, rows: HeadRows, attention: Float32Array, start: number): void {
    const { headDim } = this;
    const { outputIndex } = this.kernel.layout;
    for (let first = 0; first < query.length; first += QUERIES * headDim) {
      const part = query.subarray(first, first + QUERIES * headDim); // [≤ 4 · D]
      this.setQueries(part, 1 / Math.sqrt(headDim));
      this.attend(rows);
      for (let i = 0; i < part.length; i++) attention[start + first + i] = this.outputs[outputIndex[i]!]!;
    }
  }

  private attend({ cache, keys, values, length }: HeadRows): void {
    for (const largest of [this.largest, this.largestScored]) largest.fill(-Infinity);
    for (const sum of [this.outputs, this.sums]) sum.fill(0);
    for (let first = 0; first < length; first += TOKENS_TOGETHER) {
      const end = Math.min(first + TOKENS_TOGETHER, length);
      this.forBlocks('score', cache, keys, first, end);
      this.calls[0]!.rescale!();
      this.calls[0]!.exponentiate!((end - first) * SCORE_BYTES);
      this.forBlocks('accumulate', cache, values, first, end);
    }
    this.calls[0]!.finish!();
  }

  private forBlocks(name: 'score' | 'accumulate', cache: CacheView, index: RowIndex, first: number, end: number): void {
    const [rows, scales] = addressesOf(cache, index);
    for (let block = first; block < end; block += BLOCK_TOKENS) {
      const numTokens = Math.min(BLOCK_TOKENS, end - block);
      const [start, slot] = [(block - first) * SCORE_BYTES, cache.slotOf(block)];
      const evenEnd = start + (numTokens + (numTokens % 2)) * SCORE_BYTES;
      this.calls[cache.memoryOf(block)]![name]!(start, evenEnd, addressOf(rows, slot), addressOf(scales, slot));
    }
  }
}

/** Of the rows, and of their scales. Where a format has none, nobody looks at the latter. */
function addressesOf(cache: CacheView, { layer, row, numRows }: RowIndex): [rows: RowAddress, scales: RowAddress] {
  const rows = cache.rowAddress(layer, row);
  const hasScales = cache.layout.layers[layer]!.rowBytes.length > numRows;
  return [rows, hasScales ? cache.rowAddress(layer, numRows + row) : rows];
}

function addressOf({ start, blockBytes }: RowAddress, slot: number): number {
  return start + slot * blockBytes;
}

import { assemble, instantiate, type KernelFunction, WASM_PAGE_BYTES } from '../kernels/assembler.js';
import { exponentiate, finish, QUERIES, SCORE_BYTES, type SoftmaxLayout } from './softmax-kernel.js';

const SCALE_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Keys or values of one KV head in a cache. */
export interface CachedRows {
  data: Float32Array | Int8Array; // [L, D]
  /** What each row is multiplied by, where the format has scales. */
  scales?: Float32Array; // [L]
}

/** What a format brings along for a kernel of its own. */
export interface DecodeKernel {
  layout: SoftmaxLayout;
  /** Tokens that are in the kernel's memory at a time; even. */
  blockTokens: number;
  /** Of a key's or a value's numbers. */
  elementBytes: number;
  /**
   * `score(at, end)` writes the scores of the tokens of the block and adds to `largest`; `accumulate(at, end)` adds weightsᵀ · block to the outputs.
   * Tokens are given by the addresses of their scores, counted from the start of all, and even in number.
   */
  functions: KernelFunction[];
  /** Opens the kernel's memory, anew whenever it has grown. */
  open(buffer: ArrayBuffer): SetQueries;
}

/** Puts queries [≤ 4 · D], times `scale`, into a kernel's memory. */
export type SetQueries = (queries: Float32Array, scale: number) => void;

/** Parts of the memory of every kernel. */
interface Views {
  setQueries: SetQueries;
  block: Buffer; // [block tokens, padded D]
  blockScales: Buffer; // [block tokens], empty where the format has none
  outputs: Float32Array; // [4, padded D]
  largest: Float32Array; // [4]
  sums: Float32Array; // [4]
  scores: Float32Array; // [capacity, 4]
}

/**
 * Softmax attention of one token over one KV head. Keys and values come by blocks into the kernel's memory, which a processor's cache holds, so
 * that they are read once from where they are kept. (Matrix products of four rows spend most of their time on packing: docs/engine-notes.md.)
 */
export class DecodeAttention {
  private readonly memory: WebAssembly.Memory;
  private readonly call: Record<string, (...values: number[]) => void>;
  private readonly padded: number;
  private views: Views;

  constructor(
    private readonly headDim: number,
    private readonly kernel: DecodeKernel,
  ) {
    this.padded = paddedDim(headDim);
    const { layout, functions } = kernel;
    const pages = Math.ceil(layout.scores / WASM_PAGE_BYTES) + 1;
    this.memory = new WebAssembly.Memory({ initial: pages });
    this.call = instantiate(assemble([...functions, exponentiate(layout), finish(layout, this.padded)], pages), this.memory);
    this.views = this.openViews();
  }

  /**
   * @param query [group · D] with positions: the queries that share the KV head
   * @param attention takes the outputs [group · D], from element `start` on
   */
  run(query: Float32Array, keys: CachedRows, values: CachedRows, attention: Float32Array, start: number): void {
    const { headDim, padded } = this;
    const numTokens = keys.data.length / headDim;
    this.reserve(numTokens);
    const { setQueries, outputs } = this.views;
    const [keyRows, valueRows] = [rowsOf(keys), rowsOf(values)];
    for (let first = 0; first * headDim < query.length; first += QUERIES) {
      const part = query.subarray(first * headDim, (first + QUERIES) * headDim); // [≤ 4 · D]
      setQueries(part, 1 / Math.sqrt(headDim));
      this.attend(keyRows, valueRows, numTokens);
      for (let row = 0; row * headDim < part.length; row++) {
        attention.set(outputs.subarray(row * padded, row * padded + headDim), start + (first + row) * headDim);
      }
    }
  }

  private attend(keys: Rows, values: Rows, numTokens: number): void {
    const { outputs, largest, sums, scores } = this.views;
    const { score, exponentiate: toWeights, accumulate, finish: divide } = this.call;
    const { blockTokens } = this.kernel;
    largest.fill(-Infinity);
    for (const sum of [outputs, sums]) sum.fill(0);
    for (let first = 0; first < numTokens; first += blockTokens) {
      const end = this.loadBlock(keys, first, numTokens);
      score!(first * SCORE_BYTES, roundUp(end, 2) * SCORE_BYTES);
    }
    for (let first = 0; first < numTokens; first += blockTokens) {
      const end = this.loadBlock(values, first, numTokens);
      toWeights!(first * SCORE_BYTES, end * SCORE_BYTES);
      // The last one of an odd number has a neighbour that is not one of the tokens.
      if (end % 2 === 1) scores.fill(0, end * QUERIES, (end + 1) * QUERIES);
      accumulate!(first * SCORE_BYTES, roundUp(end, 2) * SCORE_BYTES);
    }
    divide!();
  }

  /** The next tokens; the last one of an odd number twice, for two are computed at a time. @returns the token after them */
  private loadBlock(rows: Rows, first: number, numTokens: number): number {
    const end = Math.min(first + this.kernel.blockTokens, numTokens);
    this.load(rows, first, end, 0);
    if (end % 2 === 1) this.load(rows, end - 1, end, end - first);
    return end;
  }

  /** Puts tokens `first` to `end` into the block, from `row` on. */
  private load({ bytes, scales }: Rows, first: number, end: number, row: number): void {
    const { block, blockScales } = this.views;
    const [width, target] = [this.headDim * this.kernel.elementBytes, this.padded * this.kernel.elementBytes];
    if (width === target) {
      bytes.copy(block, row * target, first * width, end * width);
    } else {
      for (let token = first; token < end; token++) bytes.copy(block, (row + token - first) * target, token * width, (token + 1) * width);
    }
    scales?.copy(blockScales, row * SCALE_BYTES, first * SCALE_BYTES, end * SCALE_BYTES);
  }

  /** Makes room for the scores of so many tokens, and of one more. */
  private reserve(numTokens: number): void {
    if (numTokens * QUERIES < this.views.scores.length) return;
    const pages = Math.ceil((this.kernel.layout.scores + 2 * numTokens * SCORE_BYTES) / WASM_PAGE_BYTES);
    this.memory.grow(pages - this.memory.buffer.byteLength / WASM_PAGE_BYTES);
    this.views = this.openViews();
  }

  private openViews(): Views {
    const { buffer } = this.memory;
    const { layout, blockTokens, elementBytes } = this.kernel;
    const { outputs, largest, sums, scores, block, blockScales = 0 } = layout;
    return {
      setQueries: this.kernel.open(buffer),
      block: Buffer.from(buffer, block, blockTokens * this.padded * elementBytes),
      blockScales: Buffer.from(buffer, blockScales, layout.blockScales === undefined ? 0 : blockTokens * SCALE_BYTES),
      outputs: new Float32Array(buffer, outputs, QUERIES * this.padded),
      largest: new Float32Array(buffer, largest, QUERIES),
      sums: new Float32Array(buffer, sums, QUERIES),
      scores: new Float32Array(buffer, scores),
    };
  }
}

/** D, up to a multiple of what kernels take at a time. */
export function paddedDim(headDim: number): number {
  return roundUp(headDim, 8);
}

/** {@link CachedRows} as bytes: `Buffer.copy` is the C library's copy, `set` of shared memory copies word by word. */
interface Rows {
  bytes: Buffer; // [L, D]
  scales: Buffer | undefined; // [L]
}

function rowsOf({ data, scales }: CachedRows): Rows {
  return { bytes: bytesOf(data), scales: scales && bytesOf(scales) };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

import { instantiate, WASM_PAGE_BYTES } from '@ringmesh/kernels';
import { BLOCK_TOKENS } from '@ringmesh/kv-cache';
import type { DecodeKernel } from './decode-attention.js';
import { QUERIES, SCORE_BYTES } from './softmax-kernel.js';

/** Of the blocks of each group: all of a block, some of one, an odd number of them. */
const TRIAL_TOKENS = [[37], [BLOCK_TOKENS, 37], [BLOCK_TOKENS]];

/** Bits of float32 numbers from 1/8 to 1/2: whoever takes them for bytes finds all bytes among them. */
const [ANY, EXPONENT, SIGN] = [0x00ffffff, 0x3e000000, 0x80000000];

/** What a module of {@link onlineSoftmax} makes of queries, keys and values of no meaning. @returns all of its memory */
export function kernelTrial(module: WebAssembly.Module, kernel: DecodeKernel, headDim: number): Uint8Array {
  const { layout } = kernel;
  const own = new WebAssembly.Memory<ArrayBuffer>({ initial: Math.ceil(layout.end / WASM_PAGE_BYTES) });
  // Keys, their scales, values, their scales: as much room for each as the largest needs.
  const rowBytes = BLOCK_TOKENS * headDim * Float32Array.BYTES_PER_ELEMENT;
  const blockPages = Math.ceil((4 * rowBytes) / WASM_PAGE_BYTES);
  const blocks = new WebAssembly.Memory({ initial: blockPages, maximum: blockPages, shared: true });
  const words = new Uint32Array(blocks.buffer);
  const isScale = (index: number): boolean => Math.floor((index * 4) / rowBytes) % 2 === 1;
  let word = 1;
  for (let i = 0; i < words.length; i++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0; // D. Knuth, The Art of Computer Programming, 3.3.4
    words[i] = ((word >>> 8) & ANY) | EXPONENT | (isScale(i) ? 0 : word & SIGN);
  }
  const queries = new Float32Array(blocks.buffer, 0, QUERIES * headDim).map((number) => 2 * number); // [4 · D]
  kernel.open(own.buffer)(queries, 1 / headDim); // so that many tokens have weights
  for (const largest of [layout.largest, layout.largestScored]) new Float32Array(own.buffer, largest, QUERIES).fill(-Infinity);
  const { score, rescale, exponentiate, accumulate, finish } = instantiate(module, { own, blocks });
  for (const group of TRIAL_TOKENS) {
    const spans = group.map((numTokens, index) => {
      const start = index * BLOCK_TOKENS;
      return { start: start * SCORE_BYTES, evenEnd: (start + numTokens + (numTokens % 2)) * SCORE_BYTES };
    });
    for (const { start, evenEnd } of spans) score!(start, evenEnd, 0, rowBytes);
    rescale!();
    exponentiate!(((group.length - 1) * BLOCK_TOKENS + group.at(-1)!) * SCORE_BYTES);
    for (const { start, evenEnd } of spans) accumulate!(start, evenEnd, 2 * rowBytes, 3 * rowBytes);
  }
  finish!();
  return new Uint8Array(own.buffer);
}

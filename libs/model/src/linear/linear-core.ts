import { float32, Session } from '@ringmesh/onnx';
import type { AttentionShape } from '../graphs/attention-core.js';
import { linearAttentionCore } from '../graphs/linear-attention-core.js';
import type { Decays } from './decay.js';
import { Recurrence } from './recurrence.js';

/** Tokens whose states are not written out one by one. Of 32, 64, 128 and 256 the fastest (docs/engine-notes.md, Linear attention). */
export const CHUNK_TOKENS = 64;

/** Linear attention of some heads: tokens one by one by the recurrence, or in chunks by matrix products. */
export class LinearCore {
  private readonly chunk: Session;
  private readonly recurrence: Recurrence;

  constructor(readonly shape: AttentionShape) {
    this.chunk = Session.open(linearAttentionCore(shape), ['attention', 'nextState']);
    this.recurrence = new Recurrence(shape.headDim);
  }

  /**
   * The tokens of one sequence in order.
   * @param projected [t, (heads + 2 · KV heads) · D] with positions @param state [heads, D, D] before them
   * @param next [heads, D, D] each: take the states after every one of them, or the only one the state after the last
   * @returns attention [t, heads · D]
   */
  run(projected: Float32Array, numTokens: number, decays: Decays, state: Float32Array, next: readonly Float32Array[]): Float32Array {
    return numTokens === next.length
      ? this.tokens(projected, decays, state, next)
      : this.chunks(projected, numTokens, decays, state, next[0]!);
  }

  close(): void {
    this.chunk.close();
  }

  private tokens(projected: Float32Array, decays: Decays, before: Float32Array, next: readonly Float32Array[]): Float32Array {
    const width = projected.length / next.length;
    const outputWidth = this.shape.numHeads * this.shape.headDim;
    const attention = new Float32Array(next.length * outputWidth); // [t, heads · D]
    for (const [index, state] of next.entries()) {
      const row = projected.subarray(index * width, (index + 1) * width); // [width]
      const output = attention.subarray(index * outputWidth, (index + 1) * outputWidth); // [heads · D]
      this.token(row, decays, next[index - 1] ?? before, state, output);
    }
    return attention;
  }

  /** @param attention [heads · D] takes the outputs */
  private token(projected: Float32Array, decays: Decays, state: Float32Array, next: Float32Array, attention: Float32Array): void {
    const { numHeads, numKeyValueHeads, headDim } = this.shape;
    const group = numHeads / numKeyValueHeads;
    const size = headDim * headDim;
    for (let head = 0; head < numHeads; head++) {
      const query = head * headDim;
      const key = (numHeads + Math.floor(head / group)) * headDim;
      const at = { query, key, value: key + numKeyValueHeads * headDim, output: query };
      const [first, end] = [head * size, (head + 1) * size];
      this.recurrence.token(projected, at, decays.factors[head]!, state.subarray(first, end), next.subarray(first, end), attention);
    }
  }

  private chunks(projected: Float32Array, numTokens: number, decays: Decays, before: Float32Array, next: Float32Array): Float32Array {
    const { numHeads, headDim } = this.shape;
    const width = projected.length / numTokens;
    const attention = new Float32Array(numTokens * numHeads * headDim); // [t, heads · D]
    let state = before;
    for (let first = 0; first < numTokens; first += CHUNK_TOKENS) {
      const count = Math.min(CHUNK_TOKENS, numTokens - first);
      const out = this.chunk.run({
        projected: float32(projected.subarray(first * width, (first + count) * width), [count, width]),
        state: float32(state, [numHeads, headDim, headDim]),
        ...decays.ofChunk(count, CHUNK_TOKENS),
      });
      attention.set(out['attention']!.data as Float32Array, first * numHeads * headDim);
      state = out['nextState']!.data as Float32Array; // [heads, D, D]
    }
    next.set(state);
    return attention;
  }
}

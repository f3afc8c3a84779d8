import { float32, Session, type Tensor } from '@ringmesh/onnx';
import { attentionCore, type AttentionShape } from './graphs/attention-core.js';
import type { AttentionBatch } from './parallel/attention-batch.js';
import type { Rotary } from './rotary.js';
import { DecodeAttention } from './softmax/decode-attention.js';

/**
 * The attention core: gives queries and keys their positions, appends each sequence's new keys and values to its cache, then attends over all of
 * them. Sequences of any length go through one step without padding, because each runs over its own views.
 */
export class SoftmaxAttention {
  private readonly decodeCore: DecodeAttention;
  private readonly prefillCore: Session;
  private readonly queryWidth: number;

  constructor(
    private readonly shape: AttentionShape,
    /** Of all parts: a layer's cache has their keys first, then their values. */
    private readonly totalKeyValueHeads: number,
    private readonly rotary: Rotary,
  ) {
    this.decodeCore = new DecodeAttention(shape.headDim);
    this.prefillCore = Session.open(attentionCore(shape), ['attention']);
    this.queryWidth = shape.numHeads * shape.headDim;
  }

  /**
   * @param firstHead the first KV head of the heads at hand
   * @param projected [T, (heads + 2 · KV heads) · D], overwritten
   * @returns attention [T, heads · D]
   */
  run(layer: number, firstHead: number, batch: AttentionBatch, projected: Float32Array): Float32Array {
    const { queryWidth } = this;
    const queries = this.rotateQueries(batch, projected); // [T, heads · D]
    const attention = new Float32Array(queries.length); // [T, heads · D]
    for (const [index, { start, numTokens }] of batch.segments.entries()) {
      this.store(layer, firstHead, batch, index, projected);
      const rows = queries.subarray(start * queryWidth, (start + numTokens) * queryWidth); // [t, heads · D]
      if (numTokens === 1) this.decode(layer, firstHead, batch, index, rows, attention);
      else attention.set(this.prefill(layer, firstHead, batch, index, rows), start * queryWidth);
    }
    return attention;
  }

  close(): void {
    this.prefillCore.close();
  }

  /** @returns [T, heads · D] */
  private rotateQueries({ numTokens, angles }: AttentionBatch, projected: Float32Array): Float32Array {
    const { numHeads, headDim } = this.shape;
    const width = projected.length / numTokens;
    const queries = new Float32Array(numTokens * this.queryWidth); // [T, heads · D]
    for (let token = 0; token < numTokens; token++) {
      for (let head = 0; head < numHeads; head++) {
        this.rotary.rotate(projected, token * width + head * headDim, queries, token * this.queryWidth + head * headDim, angles, token);
      }
    }
    return queries;
  }

  /** Appends the keys, with their positions, and the values of one sequence's new tokens to its cache. */
  private store(layer: number, firstHead: number, batch: AttentionBatch, index: number, projected: Float32Array): void {
    const { numKeyValueHeads, headDim } = this.shape;
    const { cache, start, numTokens, length } = batch.segments[index]!;
    const width = projected.length / batch.numTokens;
    const firstValue = this.totalKeyValueHeads + firstHead;
    for (let head = 0; head < numKeyValueHeads; head++) {
      const keys = cache.rows(layer, firstHead + head, length - numTokens, length); // [t, D]
      const values = cache.rows(layer, firstValue + head, length - numTokens, length); // [t, D]
      for (let token = 0; token < numTokens; token++) {
        const key = (start + token) * width + this.queryWidth + head * headDim;
        const value = key + numKeyValueHeads * headDim;
        this.rotary.rotate(projected, key, keys, token * headDim, batch.angles, start + token);
        values.set(projected.subarray(value, value + headDim), token * headDim);
      }
    }
  }

  /** @param query [heads · D] @param attention takes the sequence's row */
  private decode(
    layer: number,
    firstHead: number,
    batch: AttentionBatch,
    index: number,
    query: Float32Array,
    attention: Float32Array,
  ): void {
    const { numKeyValueHeads } = this.shape;
    const { cache, start, length } = batch.segments[index]!;
    const firstValue = this.totalKeyValueHeads + firstHead;
    const groupWidth = this.queryWidth / numKeyValueHeads;
    for (let head = 0; head < numKeyValueHeads; head++) {
      const keys = cache.rows(layer, firstHead + head, 0, length); // [L, D]
      const values = cache.rows(layer, firstValue + head, 0, length); // [L, D]
      const queries = query.subarray(head * groupWidth, (head + 1) * groupWidth); // [group · D]
      this.decodeCore.run(queries, keys, values, attention, start * this.queryWidth + head * groupWidth);
    }
  }

  /** @param query [t, heads · D] @returns [t, heads · D] */
  private prefill(layer: number, firstHead: number, batch: AttentionBatch, index: number, query: Float32Array): Float32Array {
    const { headDim, numKeyValueHeads } = this.shape;
    const { cache, numTokens, length } = batch.segments[index]!;
    const firstValue = this.totalKeyValueHeads + firstHead;
    const feeds: Record<string, Tensor> = { query: float32(query, [numTokens, this.queryWidth]), mask: batch.mask(index) };
    for (let head = 0; head < numKeyValueHeads; head++) {
      feeds[`key_${head}`] = float32(cache.rows(layer, firstHead + head, 0, length), [length, headDim]);
      feeds[`value_${head}`] = float32(cache.rows(layer, firstValue + head, 0, length), [length, headDim]);
    }
    return this.prefillCore.run(feeds)['attention']!.data as Float32Array;
  }
}

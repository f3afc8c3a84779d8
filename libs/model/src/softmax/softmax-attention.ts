import type { BlockMemory } from '@ringmesh/kv-cache';
import { float32, Session, type Tensor } from '@ringmesh/onnx';
import { attentionCore, type AttentionShape } from '../graphs/attention-core.js';
import type { AttentionBatch, AttentionSegment } from '../parallel/attention-batch.js';
import type { Rotary } from '../rotary.js';
import type { DecodeAttention } from './decode-attention.js';
import { GatheredRows } from './gathered-rows.js';
import type { KeyValueFormat, RowIndex } from './key-value-format.js';

export interface SoftmaxAttentionOptions {
  /** Of one part. */
  shape: AttentionShape;
  /** Of all parts: a layer's cache has their keys first, then their values. */
  totalKeyValueHeads: number;
  rotary: Rotary;
  format: KeyValueFormat;
  blocks: BlockMemory;
}

/** A segment of so few tokens attends token by token, as in decode; from more on it costs less to copy its keys and values together (docs/engine-notes.md). */
const MAX_DECODE_TOKENS = 4;

/**
 * The attention core: gives queries and keys their positions, appends each sequence's new keys and values to its cache, then attends over all of
 * them. Sequences of any length go through one step without padding, because each runs over its own blocks.
 */
export class SoftmaxAttention {
  private readonly decodeCore: DecodeAttention;
  private readonly prefillCore: Session;
  private readonly gathered: GatheredRows;
  private readonly queryWidth: number;

  constructor(private readonly options: SoftmaxAttentionOptions) {
    const { shape, format, blocks } = options;
    this.decodeCore = format.openDecode(shape.headDim, blocks);
    this.gathered = new GatheredRows(format, shape.headDim);
    this.prefillCore = Session.open(attentionCore(shape, format), ['attention']);
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
    for (const [index, segment] of batch.segments.entries()) {
      const { start, numTokens } = segment;
      this.store(layer, firstHead, batch, index, projected);
      const rows = queries.subarray(start * queryWidth, (start + numTokens) * queryWidth); // [t, heads · D]
      const target = attention.subarray(start * queryWidth, (start + numTokens) * queryWidth); // [t, heads · D]
      if (numTokens <= MAX_DECODE_TOKENS) this.decode(layer, firstHead, segment, rows, target);
      else target.set(this.prefill(layer, firstHead, segment, rows, batch.mask(index)));
    }
    return attention;
  }

  close(): void {
    this.prefillCore.close();
  }

  /** @returns [T, heads · D] */
  private rotateQueries({ numTokens, angles }: AttentionBatch, projected: Float32Array): Float32Array {
    const { rotary, shape } = this.options;
    const { numHeads, headDim } = shape;
    const width = projected.length / numTokens;
    const queries = new Float32Array(numTokens * this.queryWidth); // [T, heads · D]
    for (let token = 0; token < numTokens; token++) {
      for (let head = 0; head < numHeads; head++) {
        rotary.rotate(projected, token * width + head * headDim, queries, token * this.queryWidth + head * headDim, angles, token);
      }
    }
    return queries;
  }

  /** Appends the keys, with their positions, and the values of one sequence's new tokens to its cache. */
  private store(layer: number, firstHead: number, batch: AttentionBatch, index: number, projected: Float32Array): void {
    const { rotary, shape } = this.options;
    const { numKeyValueHeads, headDim } = shape;
    const segment = batch.segments[index]!;
    const { start, numTokens } = segment;
    const width = projected.length / batch.numTokens;
    const rows = new Float32Array(numTokens * headDim); // [t, D]
    for (let head = 0; head < numKeyValueHeads; head++) {
      const { keys, values } = this.rowsOf(layer, firstHead + head);
      const key = start * width + this.queryWidth + head * headDim;
      for (let token = 0; token < numTokens; token++) {
        rotary.rotate(projected, key + token * width, rows, token * headDim, batch.angles, start + token);
      }
      this.write(segment, keys, rows);
      const value = key + numKeyValueHeads * headDim;
      for (let token = 0; token < numTokens; token++) {
        rows.set(projected.subarray(value + token * width, value + token * width + headDim), token * headDim);
      }
      this.write(segment, values, rows);
    }
  }

  /** @param rows [t, D] */
  private write({ cache, numTokens, length }: AttentionSegment, index: RowIndex, rows: Float32Array): void {
    const { format, shape } = this.options;
    const before = length - numTokens;
    const put = (first: number, end: number, source: Float32Array): void =>
      format.write(source, format.rowsOf(cache, index, { first, end }));
    for (const { first, end } of cache.spans(before, length)) {
      put(first, end, rows.subarray((first - before) * shape.headDim, (end - before) * shape.headDim));
    }
    // Decode computes two tokens at a time: what is beside the last one must be a number.
    if (length % 2 === 1) put(length, length + 1, rows.subarray(-shape.headDim));
  }

  /** @param query [t, heads · D] @param attention [t, heads · D] takes the outputs */
  private decode(layer: number, firstHead: number, segment: AttentionSegment, query: Float32Array, attention: Float32Array): void {
    const { numKeyValueHeads } = this.options.shape;
    const { cache, numTokens, length } = segment;
    const groupWidth = this.queryWidth / numKeyValueHeads;
    for (let head = 0; head < numKeyValueHeads; head++) {
      const rows = this.rowsOf(layer, firstHead + head);
      for (let token = 0; token < numTokens; token++) {
        const start = token * this.queryWidth + head * groupWidth;
        const queries = query.subarray(start, start + groupWidth); // [group · D]
        this.decodeCore.run(queries, { cache, length: length - numTokens + 1 + token, ...rows }, attention, start);
      }
    }
  }

  /** @param query [t, heads · D] @returns [t, heads · D] */
  private prefill(layer: number, firstHead: number, segment: AttentionSegment, query: Float32Array, mask: Tensor): Float32Array {
    const { shape, format } = this.options;
    const feeds: Record<string, Tensor> = { query: float32(query, [segment.numTokens, this.queryWidth]), mask };
    for (let head = 0; head < shape.numKeyValueHeads; head++) {
      for (const [name, index] of Object.entries(this.rowsOf(layer, firstHead + head))) {
        const input = `${name}_${head}`;
        Object.assign(feeds, format.feeds(input, this.gathered.gather(input, index, segment), shape.headDim));
      }
    }
    return this.prefillCore.run(feeds)['attention']!.data as Float32Array;
  }

  /** Of one KV head. */
  private rowsOf(layer: number, head: number): Record<'keys' | 'values', RowIndex> {
    const { totalKeyValueHeads } = this.options;
    const numRows = 2 * totalKeyValueHeads;
    return { keys: { layer, row: head, numRows }, values: { layer, row: totalKeyValueHeads + head, numRows } };
  }
}

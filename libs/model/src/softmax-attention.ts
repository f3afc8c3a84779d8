import { float32, Session, type Tensor } from '@ringmesh/onnx';
import type { ModelConfig } from '@ringmesh/weights';
import { attentionCore } from './graphs/attention-core.js';
import type { MicroBatch } from './micro-batch.js';

/** Queries, keys and values of one layer for all tokens of a micro-batch. */
export interface Projections {
  query: Tensor; // [T, heads · D]
  key: Tensor; // [KV heads, T, D]
  value: Tensor; // [KV heads, T, D]
}

/**
 * The attention core: appends each sequence's new keys and values to its cache, then attends over all of them. Sequences of any length go
 * through one step without padding, because each runs over its own views.
 */
export class SoftmaxAttention {
  private readonly decode: Session;
  private readonly prefill: Session;
  private readonly width: number;

  constructor(private readonly config: ModelConfig) {
    this.decode = Session.open(attentionCore(config, 'decode'), ['attention']);
    this.prefill = Session.open(attentionCore(config, 'prefill'), ['attention']);
    this.width = config.numAttentionHeads * config.headDim;
  }

  /** @returns attention [T, heads · D] */
  run(layer: number, batch: MicroBatch, { query, key, value }: Projections): Float32Array {
    const queries = query.data as Float32Array; // [T, heads · D]
    const attention = new Float32Array(batch.numTokens * this.width); // [T, heads · D]
    for (const [index, segment] of batch.segments.entries()) {
      const start = batch.starts[index]!;
      const count = segment.tokenIds.length;
      segment.cache.append(layer, key.data as Float32Array, value.data as Float32Array, batch.numTokens, start, count);
      const rows = queries.subarray(start * this.width, (start + count) * this.width); // [t, heads · D]
      attention.set(this.attend(layer, batch, index, rows), start * this.width);
    }
    return attention;
  }

  close(): void {
    this.decode.close();
    this.prefill.close();
  }

  /** @param query [t, heads · D] @returns [t, heads · D] */
  private attend(layer: number, batch: MicroBatch, index: number, query: Float32Array): Float32Array {
    const { headDim, numKeyValueHeads } = this.config;
    const { cache, tokenIds } = batch.segments[index]!;
    const count = tokenIds.length;
    const length = cache.length + count;
    const feeds: Record<string, Tensor> = { query: float32(query, [count, this.width]) };
    for (let head = 0; head < numKeyValueHeads; head++) {
      feeds[`key_${head}`] = float32(cache.keyView(layer, head, length), [length, headDim]);
      feeds[`value_${head}`] = float32(cache.valueView(layer, head, length), [length, headDim]);
    }
    if (count === 1) return this.decode.run(feeds)['attention']!.data as Float32Array;
    feeds['mask'] = batch.mask(index);
    return this.prefill.run(feeds)['attention']!.data as Float32Array;
  }
}

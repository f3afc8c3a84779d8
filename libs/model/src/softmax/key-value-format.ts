import type { CacheView, KvCacheDtype } from '@ringmesh/kv-cache';
import type { GraphBuilder, Tensor, Value } from '@ringmesh/onnx';
import type { CachedRows, DecodeAttention } from './decode-attention.js';
import { float32Format } from './float32-format.js';
import { int8Format } from './int8-format.js';

/** Which of a layer's rows: the keys of all KV heads, then their values. */
export interface RowIndex {
  layer: number;
  row: number;
  /** 2 · KV heads */
  numRows: number;
}

/** How keys and values lie in a cache, and how attention reads them. */
export interface KeyValueFormat {
  /** Bytes that a token adds for each key and value: of all rows first, then of what else belongs to each. */
  rowBytes(headDim: number): number[];
  /** Tokens `first` to `end` of a row, to read or to write. */
  rowsOf(cache: CacheView, index: RowIndex, first: number, end: number): CachedRows;
  /** @param source [t, D] @param target the rows of these tokens */
  write(source: Float32Array, target: CachedRows): void;
  /** Attention of one token. */
  openDecode(headDim: number): DecodeAttention;
  /** An input of a prefill graph. @returns [L, D] float32 */
  input(graph: GraphBuilder, name: string, headDim: number): Value;
  /** What an {@link input} is fed. */
  feeds(name: string, rows: CachedRows, headDim: number): Record<string, Tensor>;
}

export const KEY_VALUE_FORMATS: Readonly<Record<KvCacheDtype, KeyValueFormat>> = { float32: float32Format, int8: int8Format };

import type { BlockMemory, BlockSpan, CacheView, KvCacheDtype } from '@ringmesh/kv-cache';
import type { GraphBuilder, Tensor, Value } from '@ringmesh/onnx';
import type { DecodeAttention } from './decode-attention.js';
import { float32Format } from './float32-format.js';
import { int8Format } from './int8-format.js';

/** Keys or values of one KV head. */
export interface CachedRows {
  data: Float32Array | Int8Array; // [t, D]
  /** What each row is multiplied by, where the format has scales. */
  scales?: Float32Array; // [t]
}

/** Which of a layer's rows: the keys of all KV heads, then their values. */
export interface RowIndex {
  layer: number;
  row: number;
  /** 2 · KV heads */
  numRows: number;
}

/** How keys and values lie in a cache, and how attention reads them. */
export interface KeyValueFormat {
  /** Bytes that a token adds for each key and value: of all rows first, then of what else belongs to each. D is a multiple of 8. */
  rowBytes(headDim: number): number[];
  /** Tokens of a block, to read or to write. */
  rowsOf(cache: CacheView, index: RowIndex, span: BlockSpan): CachedRows;
  /** @param source [t, D] @param target the rows of these tokens */
  write(source: Float32Array, target: CachedRows): void;
  /** Room for rows outside of a cache. */
  allocate(numTokens: number, headDim: number): CachedRows;
  /** Attention of one token. */
  openDecode(headDim: number, blocks: BlockMemory): DecodeAttention;
  /** An input of a prefill graph. @returns [L, D] float32 */
  input(graph: GraphBuilder, name: string, headDim: number): Value;
  /** What an {@link input} is fed. */
  feeds(name: string, rows: CachedRows, headDim: number): Record<string, Tensor>;
}

export const KEY_VALUE_FORMATS: Readonly<Record<KvCacheDtype, KeyValueFormat>> = { float32: float32Format, int8: int8Format };

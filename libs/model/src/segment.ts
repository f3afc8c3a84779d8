import type { SequenceCache } from '@ringmesh/kv-cache';

/** What one sequence brings to a step: a chunk of its prompt (prefill) or its last token (decode). */
export interface Segment {
  cache: SequenceCache;
  /** New tokens; their positions follow the cached ones. The cache has room reserved for them. */
  tokenIds: Int32Array; // [t]
  /** After which of them logits are wanted: the last one, where a token is sampled, or all, where a text is scored. */
  logits: 'none' | 'last' | 'all';
  /**
   * Told the logits after each of these tokens, in their order, whatever `logits` says: a view that is valid during the call. The head computes
   * them piece by piece, so that no more of them are held than one step may want.
   */
  onLogits?: (index: number, logits: Float32Array) => void; // [V]
  /** Told the gate's decisions of each mixture-of-experts layer for these tokens; views that are valid during the call. */
  onRouting?: (layer: number, topkIds: BigInt64Array, topkWeights: Float32Array) => void; // [t, k] each
}

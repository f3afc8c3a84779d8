import type { SequenceCache } from '@ringmesh/kv-cache';

/** What one sequence brings to a step: a chunk of its prompt (prefill) or its last token (decode), and after that tokens that may follow it (drafts). */
export interface Segment {
  cache: SequenceCache;
  /** New tokens; their positions follow the cached ones. The cache has room reserved for them. */
  tokenIds: Int32Array; // [t]
  /** How many of them, at the end, are drafts, which are stored but not counted: none unless given, else all but the first. */
  numDrafts?: number;
  /** After which of them logits are wanted: the last one, where a token is sampled, or all, where a text is scored or drafts are verified. */
  logits: 'none' | 'last' | 'all';
  /**
   * Told the logits after each of these tokens, in their order, whatever `logits` says: a view that is valid during the call. The head computes
   * them piece by piece, so that no more of them are held than one step may want.
   */
  onLogits?: (index: number, logits: Float32Array) => void; // [V]
  /** Told the gate's decisions of each mixture-of-experts layer for these tokens; views that are valid during the call. */
  onRouting?: (layer: number, topkIds: BigInt64Array, topkWeights: Float32Array) => void; // [t, k] each
}

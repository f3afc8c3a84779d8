/**
 * One layer's work for one place that hosts shards: the hidden states of a micro-batch and, for each expert hosted there, the rows it gets.
 * The same batch goes through shared memory ({@link ExpertChannel}) and over gRPC (ForwardRequest).
 *
 * The answer is `partials` [P, H]: for each shard that has rows, ascending, and for each of its rows, ascending, the sum over the shard's
 * experts (ascending) of weight × expert(hidden row). Where `nodes` are given, the answer has, for each of them and each row of its shards, the
 * sum of those in the order of the reduction tree (@ringmesh/placement).
 */
export interface ExpertBatch {
  layer: number;
  /** The placement epoch it was planned with. */
  epoch: number;
  /** T: only rows that some expert of this batch needs. */
  numTokens: number;
  /** Router's hidden states after the post-attention norm. */
  hidden: Float32Array; // [T, H]
  /** Global expert ids that have rows, ascending. */
  experts: Int32Array; // [E]
  /** Rows of each expert, ≥ 1. */
  counts: Int32Array; // [E]
  /** For each expert in turn, the rows of `hidden` it gets, ascending. */
  rows: Int32Array; // [R], R = Σ counts
  /** topkWeights of those rows. */
  weights: Float32Array; // [R]
  /** Nodes of the reduction tree, ascending; none where each shard's sums are wanted by themselves. */
  nodes: Int32Array; // [N]
}

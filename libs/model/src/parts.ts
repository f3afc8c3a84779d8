import type { AttentionHeads, ModelConfig } from '@ringmesh/weights';

/**
 * The router's part of a model is cut into P parts, so that several compute threads share it: tensor parallelism (arXiv 1909.08053). Each
 * part has some of every layer's heads with their keys and values, a slice of the width of its shared experts or dense MLP, and a slice of the
 * vocabulary. The cut is the pack's and not the machine's: parts add up in their order, so the bits do not depend on how many threads there are.
 */
export interface Part {
  index: number;
  /** P */
  count: number;
}

/**
 * Parts of a new pack: as many threads can share a layer. One where heads or widths cannot be halved. KV heads divide the heads of every kind
 * of attention, so where they can be halved, all can.
 */
export function defaultNumParts(config: ModelConfig): number {
  const { numKeyValueHeads, moeIntermediateSize, intermediateSize, vocabSize } = config;
  return [numKeyValueHeads, moeIntermediateSize, intermediateSize, vocabSize].every((size) => size % 2 === 0) ? 2 : 1;
}

/** The heads of a part. */
export function headsOf(
  { numAttentionHeads, numKeyValueHeads }: AttentionHeads,
  { index, count }: Part,
): { firstHead: number; numHeads: number; firstKeyValueHead: number; numKeyValueHeads: number } {
  const heads = rangeOf(numAttentionHeads, { index, count });
  const keyValueHeads = rangeOf(numKeyValueHeads, { index, count });
  return {
    firstHead: heads.first,
    numHeads: heads.count,
    firstKeyValueHead: keyValueHeads.first,
    numKeyValueHeads: keyValueHeads.count,
  };
}

/** A part's share of `size` things. */
export function rangeOf(size: number, { index, count }: Part): { first: number; count: number } {
  return { first: (size / count) * index, count: size / count };
}

import type { Matrix, WeightedGraph } from '@ringmesh/onnx';
import type { ModelConfig } from '@ringmesh/weights';
import { headsOf, type Part } from '../parts.js';

export interface AttentionInWeights {
  /** input_layernorm [H] */
  norm: Float32Array;
  /** query_key_value [(heads + 2 · KV heads) · D, H]: all queries, then all keys, then all values, of the part's heads */
  queryKeyValue: Matrix[];
  queryKeyValueBias: Float32Array | null;
}

/**
 * What comes before the attention core, for all tokens of a step and the heads of one part: norm and query-key-value product.
 * `hidden` [T, H], the residual stream → `projected` [T, (heads + 2 · KV heads) · D], positions not yet in.
 */
export async function attentionIn(graph: WeightedGraph, config: ModelConfig, part: Part, weights: AttentionInWeights): Promise<void> {
  const { hiddenSize, headDim, rmsNormEps } = config;
  const { numHeads, numKeyValueHeads } = headsOf(config, part);
  const hidden = graph.input('hidden', 'float32', ['T', hiddenSize]);
  const gamma = await graph.floats(weights.norm, [hiddenSize]);
  const normed = graph.op('SimplifiedLayerNormalization', [hidden, gamma], { axis: -1, epsilon: { float: rmsNormEps } }); // [T, H]
  const projected = await graph.linear(normed, weights.queryKeyValue, weights.queryKeyValueBias);
  graph.output('projected', projected, 'float32', ['T', (numHeads + 2 * numKeyValueHeads) * headDim]);
}

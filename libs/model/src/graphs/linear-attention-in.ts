import type { Matrix, Value, WeightedGraph } from '@ringmesh/onnx';
import { attentionHeads, type ModelConfig } from '@ringmesh/weights';
import { headsOf, type Part } from '../parts.js';

export interface LinearAttentionInWeights {
  /** input_layernorm [H] */
  norm: Float32Array;
  /** query_key_value [(heads + 2 · KV heads) · D, H]: all queries, then all keys, then all values, of the part's heads */
  queryKeyValue: Matrix[];
  /** g_proj of the part's heads [heads · D, H]; where it has low rank, [rank, H] and then [heads · D, rank] */
  gate: Matrix[];
}

/**
 * What comes before the core of linear attention, for all tokens of a step and the heads of one part.
 *
 * | in | | out | |
 * | --- | --- | --- | --- |
 * | hidden | [T, H] the residual stream | projected | [T, (heads + 2 · KV heads) · D] queries, keys and values, positions not yet in |
 * | | | gate | [T, heads · D] what each of the core's outputs is multiplied by, 0 to 1 |
 */
export async function linearAttentionIn(
  graph: WeightedGraph,
  config: ModelConfig,
  part: Part,
  weights: LinearAttentionInWeights,
): Promise<void> {
  const { hiddenSize, headDim, rmsNormEps } = config;
  const { numHeads, numKeyValueHeads } = headsOf(attentionHeads(config, 'linear'), part);
  const [width, gateWidth] = [(numHeads + 2 * numKeyValueHeads) * headDim, numHeads * headDim];
  const hidden = graph.input('hidden', 'float32', ['T', hiddenSize]);
  const gamma = await graph.floats(weights.norm, [hiddenSize]);
  const normed = graph.op('SimplifiedLayerNormalization', [hidden, gamma], { axis: -1, epsilon: { float: rmsNormEps } }); // [T, H]
  const projected = await graph.linear(normed, weights.queryKeyValue); // [T, width]
  let gate: Value = normed;
  for (const matrix of weights.gate) gate = await graph.linear(gate, [matrix]); // [T, heads · D]
  const activated = config.useLinearSilu === true ? graph.op('QuickGelu', [projected], { alpha: { float: 1 } }) : projected; // SiLU
  graph.output('projected', activated, 'float32', ['T', width]);
  graph.output('gate', graph.op('Sigmoid', [gate]), 'float32', ['T', gateWidth]);
}

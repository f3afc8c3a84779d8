import type { Matrix, WeightedGraph } from '@ringmesh/onnx';
import type { ModelConfig } from '@ringmesh/weights';

export interface MlpInWeights {
  /** post_attention_layernorm [H] */
  norm: Float32Array;
  /** mlp.gate [E, H]; null in a layer whose MLP is dense */
  gate: Matrix | null;
}

/**
 * What comes before experts or MLP, for all tokens of a step at once: norm, and the gate: softmax over all experts in float32, then top-k, then
 * division by their sum where the config says so.
 *
 * | in | | out | |
 * | --- | --- | --- | --- |
 * | hidden | [T, H] the residual stream | normed | [T, H] what experts and shared experts read |
 * | | | topkWeights | [T, k], largest first |
 * | | | topkIds | [T, k] int64 |
 */
export async function mlpIn(graph: WeightedGraph, config: ModelConfig, weights: MlpInWeights): Promise<void> {
  const { hiddenSize, rmsNormEps, numExpertsPerToken, normTopkProb } = config;
  const hidden = graph.input('hidden', 'float32', ['T', hiddenSize]);
  const gamma = await graph.floats(weights.norm, [hiddenSize]);
  const normed = graph.op('SimplifiedLayerNormalization', [hidden, gamma], { axis: -1, epsilon: { float: rmsNormEps } }); // [T, H]
  graph.output('normed', normed, 'float32', ['T', hiddenSize]);
  if (weights.gate === null) return;

  const probabilities = graph.op('Softmax', [await graph.linearF32(normed, [weights.gate])], { axis: -1 }); // [T, E]
  const [top, topkIds] = graph.ops('TopK', [probabilities, graph.shape(numExpertsPerToken)], 2, { axis: -1, largest: 1, sorted: 1 }); // [T, k]
  const normalise = normTopkProb && numExpertsPerToken > 1;
  const topkWeights = normalise ? graph.op('Div', [top!, graph.op('ReduceSum', [top!, graph.shape(-1)], { keepdims: 1 })]) : top!;
  graph.output('topkWeights', topkWeights, 'float32', ['T', numExpertsPerToken]);
  graph.output('topkIds', topkIds!, 'int64', ['T', numExpertsPerToken]);
}

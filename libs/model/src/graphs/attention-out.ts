import type { Matrix, WeightedGraph } from '@ringmesh/onnx';
import type { ModelConfig } from '@ringmesh/weights';

export interface AttentionOutWeights {
  /** attention.dense [H, heads · D] */
  dense: Matrix;
  denseBias: Float32Array | null;
  /** post_attention_layernorm [H] */
  norm: Float32Array;
  /** mlp.gate [E, H]; null in a layer whose MLP is dense */
  gate: Matrix | null;
}

/**
 * What comes after the attention core, for all tokens of a step at once: output product, residual add, norm, and the gate: softmax over all
 * experts in float32, then top-k, then division by their sum where the config says so.
 *
 * | in | | out | |
 * | --- | --- | --- | --- |
 * | attention | [T, heads · D] | residual | [T, H] |
 * | hidden | [T, H] | normed | [T, H] what experts and shared experts read |
 * | | | topkWeights | [T, k], largest first |
 * | | | topkIds | [T, k] int64 |
 */
export async function attentionOut(graph: WeightedGraph, config: ModelConfig, weights: AttentionOutWeights): Promise<void> {
  const { hiddenSize, numAttentionHeads, headDim, rmsNormEps, numExpertsPerToken, normTopkProb } = config;
  const attention = graph.input('attention', 'float32', ['T', numAttentionHeads * headDim]);
  const hidden = graph.input('hidden', 'float32', ['T', hiddenSize]);

  const projected = await graph.linear(attention, [weights.dense], weights.denseBias); // [T, H]
  const gamma = await graph.floats(weights.norm, [hiddenSize]);
  const norm = graph.ops('SkipSimplifiedLayerNormalization', [projected, hidden, gamma], 4, { epsilon: { float: rmsNormEps } });
  const [normed, , , residual] = norm; // [T, H]
  graph.output('residual', residual!, 'float32', ['T', hiddenSize]);
  graph.output('normed', normed!, 'float32', ['T', hiddenSize]);
  if (weights.gate === null) return;

  const probabilities = graph.op('Softmax', [await graph.linearF32(normed!, [weights.gate])], { axis: -1 }); // [T, E]
  const [top, topkIds] = graph.ops('TopK', [probabilities, graph.shape(numExpertsPerToken)], 2, { axis: -1, largest: 1, sorted: 1 }); // [T, k]
  const normalise = normTopkProb && numExpertsPerToken > 1;
  const topkWeights = normalise ? graph.op('Div', [top!, graph.op('ReduceSum', [top!, graph.shape(-1)], { keepdims: 1 })]) : top!;
  graph.output('topkWeights', topkWeights, 'float32', ['T', numExpertsPerToken]);
  graph.output('topkIds', topkIds!, 'int64', ['T', numExpertsPerToken]);
}

import type { Matrix, WeightedGraph } from '@ringmesh/onnx';
import { attentionHeads, type ModelConfig } from '@ringmesh/weights';
import { headsOf, type Part } from '../parts.js';

export interface LinearAttentionDenseWeights {
  /** g_norm of the part's heads [heads · D] */
  norm: Float32Array;
  /** The columns of attention.dense [H, heads · D] that the part's heads multiply */
  dense: Matrix;
}

/**
 * Norm, gate and output product of one part's heads. The norm is over the heads of all parts, and divides every one of a token's values by the
 * same number: so it is left out here, and each part gives the squares that it is made of. The layer adds
 * Σ output / √(Σ squares / (all heads · D) + ε) to the residual stream.
 *
 * | in | | out | |
 * | --- | --- | --- | --- |
 * | attention | [T, heads · D] | output | [T, H] |
 * | gate | [T, heads · D] | squares | [T, 1] the sum of each token's squared attention |
 */
export async function linearAttentionDense(
  graph: WeightedGraph,
  config: ModelConfig,
  part: Part,
  weights: LinearAttentionDenseWeights,
): Promise<void> {
  const width = headsOf(attentionHeads(config, 'linear'), part).numHeads * config.headDim;
  const attention = graph.input('attention', 'float32', ['T', width]);
  const gate = graph.input('gate', 'float32', ['T', width]);
  const gamma = await graph.floats(weights.norm, [width]);
  const gated = graph.op('Mul', [graph.op('Mul', [attention, gamma]), gate]); // [T, heads · D]
  graph.output('output', await graph.linear(gated, [weights.dense]), 'float32', ['T', config.hiddenSize]);
  graph.output('squares', graph.op('ReduceSumSquare', [attention, graph.shape(-1)], { keepdims: 1 }), 'float32', ['T', 1]);
}

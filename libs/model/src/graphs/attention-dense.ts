import type { Matrix, WeightedGraph } from '@ringmesh/onnx';
import type { ModelConfig } from '@ringmesh/weights';
import { headsOf, type Part } from '../parts.js';

export interface AttentionDenseWeights {
  /** The columns of attention.dense [H, heads · D] that the part's heads multiply */
  dense: Matrix;
  /** Of the first part only: it is added once. */
  denseBias: Float32Array | null;
}

/** The output product of one part's heads: `attention` [T, heads · D] → `output` [T, H]. The parts' outputs add up to the layer's. */
export async function attentionDense(graph: WeightedGraph, config: ModelConfig, part: Part, weights: AttentionDenseWeights): Promise<void> {
  const attention = graph.input('attention', 'float32', ['T', headsOf(config, part).numHeads * config.headDim]);
  graph.output('output', await graph.linear(attention, [weights.dense], weights.denseBias), 'float32', ['T', config.hiddenSize]);
}

import type { ExternalData, Matrix, WeightedGraph } from '@ringmesh/onnx';
import type { ModelConfig } from '@ringmesh/weights';

export interface AttentionInWeights {
  /** input_layernorm [H] */
  norm: Float32Array;
  /** query_key_value [(heads + 2 · KV heads) · D, H]: all queries, then all keys, then all values */
  queryKeyValue: Matrix;
  queryKeyValueBias: Float32Array | null;
  /** Tables [M, D/2] that all layers share. */
  cos: ExternalData;
  sin: ExternalData;
}

/**
 * What comes before the attention core, for all tokens of a step at once: residual add, norm, query-key-value product, rotary positions.
 *
 * | in | | out | |
 * | --- | --- | --- | --- |
 * | residual | [T, H] | hidden | [T, H] the sum: the residual stream |
 * | update | [T, H] what the layer before adds to it | query | [T, heads · D] |
 * | positions | [1, T] int64 | key, value | [KV heads, T, D] |
 */
export async function attentionIn(graph: WeightedGraph, config: ModelConfig, weights: AttentionInWeights): Promise<void> {
  const { hiddenSize, numAttentionHeads, numKeyValueHeads, headDim, rmsNormEps, maxPositionEmbeddings } = config;
  const queryWidth = numAttentionHeads * headDim;
  const keyWidth = numKeyValueHeads * headDim;
  const residual = graph.input('residual', 'float32', ['T', hiddenSize]);
  const update = graph.input('update', 'float32', ['T', hiddenSize]);
  const positions = graph.input('positions', 'int64', [1, 'T']);

  const gamma = await graph.floats(weights.norm, [hiddenSize]);
  const norm = graph.ops('SkipSimplifiedLayerNormalization', [update, residual, gamma], 4, { epsilon: { float: rmsNormEps } });
  const [normed, , , hidden] = norm; // [T, H]
  const projected = await graph.linear(normed!, [weights.queryKeyValue], weights.queryKeyValueBias); // [T, (heads + 2 · KV heads) · D]
  const [query, key, value] = graph.ops('Split', [projected, graph.shape(queryWidth, keyWidth, keyWidth)], 3, { axis: -1 });

  const cos = graph.weight('cos', 'float32', [maxPositionEmbeddings, headDim / 2], weights.cos);
  const sin = graph.weight('sin', 'float32', [maxPositionEmbeddings, headDim / 2], weights.sin);
  const rotate = (x: typeof query, heads: number): NonNullable<typeof query> => {
    const batched = graph.op('Unsqueeze', [x!, graph.shape(0)]); // [1, T, heads · D]
    const rotated = graph.op('RotaryEmbedding', [batched, positions, cos, sin], { num_heads: heads, interleaved: 0 });
    return graph.op('Squeeze', [rotated, graph.shape(0)]); // [T, heads · D]
  };
  const headMajor = (x: NonNullable<typeof query>): NonNullable<typeof query> => {
    const split = graph.op('Reshape', [x, graph.shape(-1, numKeyValueHeads, headDim)]); // [T, KV heads, D]
    return graph.op('Transpose', [split], { perm: [1, 0, 2] }); // [KV heads, T, D]
  };
  graph.output('hidden', hidden!, 'float32', ['T', hiddenSize]);
  graph.output('query', rotate(query, numAttentionHeads), 'float32', ['T', queryWidth]);
  graph.output('key', headMajor(rotate(key, numKeyValueHeads)), 'float32', [numKeyValueHeads, 'T', headDim]);
  graph.output('value', headMajor(value!), 'float32', [numKeyValueHeads, 'T', headDim]);
}

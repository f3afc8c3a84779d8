import { GraphBuilder, type Value } from '@ringmesh/onnx';
import type { AttentionShape } from './attention-core.js';

/**
 * Linear attention of a chunk of one sequence's tokens in matrix products: the chunk-parallel form of the recurrence (Lightning Attention-2,
 * arXiv 2401.04658), without weights, so that one graph serves every layer.
 *
 * | in | | out | |
 * | --- | --- | --- | --- |
 * | projected | [t, (heads + 2 · KV heads) · D] with positions | attention | [t, heads · D] |
 * | state | [heads, D, D] before the chunk | nextState | [heads, D, D] after it |
 * | mask | [heads, t, t] decay^(i − j) for j ≤ i, else 0 | | |
 * | queryDecay | [heads, t, 1] decay^(i + 1) | | |
 * | keyDecay | [heads, t, 1] decay^(t − 1 − j) | | |
 * | stateDecay | [heads, 1, 1] decay^t | | |
 */
export function linearAttentionCore({ numHeads, numKeyValueHeads, headDim }: AttentionShape): Uint8Array {
  const graph = new GraphBuilder('linear_attention');
  const projected = graph.input('projected', 'float32', ['t', (numHeads + 2 * numKeyValueHeads) * headDim]);
  const state = graph.input('state', 'float32', [numHeads, headDim, headDim]);
  const mask = graph.input('mask', 'float32', [numHeads, 't', 't']);
  const queryDecay = graph.input('queryDecay', 'float32', [numHeads, 't', 1]);
  const keyDecay = graph.input('keyDecay', 'float32', [numHeads, 't', 1]);
  const stateDecay = graph.input('stateDecay', 'float32', [numHeads, 1, 1]);

  const sizes = graph.shape(numHeads * headDim, numKeyValueHeads * headDim, numKeyValueHeads * headDim);
  const [q, k, v] = graph.ops('Split', [projected, sizes], 3, { axis: -1 });
  const group = numHeads / numKeyValueHeads; // query heads of one KV head
  const query = headMajor(graph, q!, numHeads, headDim); // [heads, t, D]
  const [key, value] = [k!, v!].map((heads) =>
    headMajor(graph, repeated(graph, heads, numKeyValueHeads, group, headDim), numHeads, headDim),
  );
  const alpha = { float: 1 / Math.sqrt(headDim) };

  const scores = graph.op('Mul', [graph.op('FusedMatMul', [query, key!], { transB: 1, alpha }), mask]); // [heads, t, t]
  const within = graph.op('MatMul', [scores, value!]); // [heads, t, D]
  const before = graph.op('Mul', [graph.op('FusedMatMul', [query, state], { alpha }), queryDecay]); // [heads, t, D]
  const tokenMajor = graph.op('Transpose', [graph.op('Add', [within, before])], { perm: [1, 0, 2] }); // [t, heads, D]
  const attention = graph.op('Reshape', [tokenMajor, graph.shape(-1, numHeads * headDim)]);
  const added = graph.op('FusedMatMul', [graph.op('Mul', [key!, keyDecay]), value!], { transA: 1 }); // [heads, D, D]
  const nextState = graph.op('Add', [graph.op('Mul', [state, stateDecay]), added]); // [heads, D, D]
  graph.output('attention', attention, 'float32', ['t', numHeads * headDim]);
  graph.output('nextState', nextState, 'float32', [numHeads, headDim, headDim]);
  return graph.build();
}

/** [t, heads · D] → [heads, t, D] */
function headMajor(graph: GraphBuilder, tokens: Value, numHeads: number, headDim: number): Value {
  const split = graph.op('Reshape', [tokens, graph.shape(-1, numHeads, headDim)]); // [t, heads, D]
  return graph.op('Transpose', [split], { perm: [1, 0, 2] });
}

/** Each KV head `group` times in a row: [t, KV heads · D] → [t, heads · D], up to its dimensions. */
function repeated(graph: GraphBuilder, tokens: Value, numKeyValueHeads: number, group: number, headDim: number): Value {
  if (group === 1) return tokens;
  const split = graph.op('Reshape', [tokens, graph.shape(-1, numKeyValueHeads, 1, headDim)]); // [t, KV heads, 1, D]
  return graph.op('Expand', [split, graph.shape(1, 1, group, 1)]); // [t, KV heads, group, D]
}

import { GraphBuilder } from '@ringmesh/onnx';
import type { KeyValueFormat } from '../softmax/key-value-format.js';

/** Heads of one part. */
export interface AttentionShape {
  numHeads: number;
  numKeyValueHeads: number;
  /** D */
  headDim: number;
}

/**
 * Softmax attention of several tokens of one sequence over its cached keys and values, without weights, so that one graph serves every layer. KV
 * heads are separate inputs, for a cache keeps their rows apart.
 *
 * | in | | out | |
 * | --- | --- | --- | --- |
 * | query | [t, heads · D] | attention | [t, heads · D] |
 * | keys_h, values_h for each KV head h | [L, D], as the cache's format has it | | |
 * | mask | [t, L] 0 or −∞, added to the scores | | |
 */
export function attentionCore({ numHeads, numKeyValueHeads, headDim }: AttentionShape, format: Pick<KeyValueFormat, 'input'>): Uint8Array {
  const group = numHeads / numKeyValueHeads; // query heads of one KV head
  const graph = new GraphBuilder('attention');
  const query = graph.input('query', 'float32', ['t', numHeads * headDim]);
  const mask = graph.input('mask', 'float32', ['t', 'L']);
  const scoresShape = graph.op('Concat', [graph.shape(group), graph.op('Shape', [mask])], { axis: 0 }); // (group, t, L)
  const flatShape = graph.op('Concat', [graph.shape(-1), graph.op('Shape', [mask], { start: 1 })], { axis: 0 }); // (−1, L)

  const split = graph.op('Reshape', [query, graph.shape(-1, numKeyValueHeads, group, headDim)]); // [t, KV heads, group, D]
  const headMajor = graph.op('Transpose', [split], { perm: [1, 2, 0, 3] }); // [KV heads, group, t, D]
  const sizes = graph.shape(...Array.from({ length: numKeyValueHeads }, () => 1));
  const queries = graph.ops('Split', [headMajor, sizes], numKeyValueHeads, { axis: 0 }); // each [1, group, t, D]

  const outputs = queries.map((headQuery, head) => {
    const key = format.input(graph, `keys_${head}`, headDim);
    const value = format.input(graph, `values_${head}`, headDim);
    const rows = graph.op('Reshape', [headQuery, graph.shape(-1, headDim)]); // [group · t, D]
    const scores = graph.op('FusedMatMul', [rows, key], { transB: 1, alpha: { float: 1 / Math.sqrt(headDim) } }); // [group · t, L]
    const masked = graph.op('Add', [graph.op('Reshape', [scores, scoresShape]), mask]); // [group, t, L]
    const weights = graph.op('Reshape', [graph.op('Softmax', [masked], { axis: -1 }), flatShape]); // [group · t, L]
    return graph.op('Reshape', [graph.op('FusedMatMul', [weights, value]), graph.shape(1, group, -1, headDim)]); // [1, group, t, D]
  });
  const joined = graph.op('Concat', outputs, { axis: 0 }); // [KV heads, group, t, D]
  const tokenMajor = graph.op('Transpose', [joined], { perm: [2, 0, 1, 3] }); // [t, KV heads, group, D]
  const attention = graph.op('Reshape', [tokenMajor, graph.shape(-1, numHeads * headDim)]);
  graph.output('attention', attention, 'float32', ['t', numHeads * headDim]);
  return graph.build();
}

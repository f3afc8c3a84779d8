import { ELEMENT_TYPES, type Table, type WeightedGraph } from '@ringmesh/onnx';
import type { ModelConfig } from '@ringmesh/weights';

/**
 * Looks up the hidden states of tokens: `tokenIds` [T] int64 → `hidden` [T, H]. The table keeps the checkpoint's own number format: exact,
 * often half the size, and only the rows in use are read from disk.
 */
export async function embedding(graph: WeightedGraph, { hiddenSize }: ModelConfig, table: Table): Promise<void> {
  const tokenIds = graph.input('tokenIds', 'int64', ['T']);
  const rows = graph.op('Gather', [await graph.table(table), tokenIds], { axis: 0 }); // [T, H] in the table's type
  graph.output('hidden', graph.op('Cast', [rows], { to: ELEMENT_TYPES.float32 }), 'float32', ['T', hiddenSize]);
}

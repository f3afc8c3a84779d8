import type { Matrix, WeightedGraph } from '@ringmesh/onnx';
import type { ModelConfig } from '@ringmesh/weights';

export interface HeadWeights {
  /** model.norm [H] */
  norm: Float32Array;
  /** Rows of lm_head [V, H], or of the embedding where they are tied; already normalised where config.normHead says so */
  lmHead: Matrix;
}

/** Final norm and a part of lm_head, for the tokens that are sampled from: `hidden` [N, H] → `logits` [N, V / P]. */
export async function head(graph: WeightedGraph, { hiddenSize, rmsNormEps }: ModelConfig, weights: HeadWeights): Promise<void> {
  const hidden = graph.input('hidden', 'float32', ['N', hiddenSize]);
  const gamma = await graph.floats(weights.norm, [hiddenSize]);
  const normed = graph.op('SimplifiedLayerNormalization', [hidden, gamma], { axis: -1, epsilon: { float: rmsNormEps } }); // [N, H]
  graph.output('logits', await graph.linear(normed, [weights.lmHead]), 'float32', ['N', weights.lmHead.rows]);
}

/**
 * `norm_head`: each column of W is divided by its length over the vocabulary plus 1e-7.
 * @returns a matrix [V, H] that reads W twice: once for the lengths, then for the values
 */
export async function normalisedColumns(matrix: Matrix, rowsPerRead = 4096): Promise<Matrix> {
  const { rows, columns } = matrix;
  const squares = new Float64Array(columns); // [H]
  for (let first = 0; first < rows; first += rowsPerRead) {
    const piece = await matrix.read(first, Math.min(rowsPerRead, rows - first));
    for (let row = 0; row < piece.length; row += columns) {
      for (let i = 0; i < columns; i++) squares[i]! += piece[row + i]! ** 2;
    }
  }
  const scale = squares.map((square) => 1 / (Math.sqrt(square) + 1e-7)); // [H]
  return {
    rows,
    columns,
    async read(firstRow, numRows) {
      const piece = await matrix.read(firstRow, numRows);
      for (let row = 0; row < piece.length; row += columns) {
        for (let i = 0; i < columns; i++) piece[row + i]! *= scale[i]!;
      }
      return piece;
    },
  };
}

import type { Value } from './graph-builder.js';
import type { Matrix, WeightedGraph } from './weighted-graph.js';

/** The three matrices of a SwiGLU MLP of width F: gate and up [F, H], down [H, F]. */
export interface SwigluWeights {
  gate: Matrix;
  up: Matrix;
  down: Matrix;
}

/**
 * down(SiLU(gate(x)) × up(x)), arXiv 2002.05202. Gate and up are one product of width 2F: it reads x once and calls one kernel.
 * @param x [T, H] @returns [T, H]
 */
export async function swiglu(graph: WeightedGraph, x: Value, { gate, up, down }: SwigluWeights): Promise<Value> {
  const gateUp = await graph.linear(x, stackRows(gate, up)); // [T, 2F]
  const [gated, linear] = graph.ops('Split', [gateUp, graph.shape(gate.rows, up.rows)], 2, { axis: -1 }); // [T, F] each
  const silu = graph.op('QuickGelu', [gated!], { alpha: { float: 1 } }); // [T, F]; x·sigmoid(1·x) is SiLU
  return graph.linear(graph.op('Mul', [silu, linear!]), down); // [T, H]
}

/** `upper` above `lower`, read piece by piece. */
export function stackRows(upper: Matrix, lower: Matrix): Matrix {
  return {
    rows: upper.rows + lower.rows,
    columns: upper.columns,
    async read(firstRow, numRows) {
      const fromUpper = Math.max(0, Math.min(numRows, upper.rows - firstRow));
      const fromLower = numRows - fromUpper;
      const above = fromUpper > 0 ? await upper.read(firstRow, fromUpper) : new Float32Array(0);
      if (fromLower === 0) return above;
      const below = await lower.read(firstRow + fromUpper - upper.rows, fromLower);
      const both = new Float32Array(above.length + below.length);
      both.set(above);
      both.set(below, above.length);
      return both;
    },
  };
}

/** A SwiGLU MLP as a graph by itself: shared experts, a dense layer's MLP, or one routed expert. `hidden` [T, H] → `output` [T, H]. */
export async function mlp(graph: WeightedGraph, hiddenSize: number, weights: SwigluWeights): Promise<void> {
  const hidden = graph.input('hidden', 'float32', ['T', hiddenSize]);
  graph.output('output', await swiglu(graph, hidden, weights), 'float32', ['T', hiddenSize]);
}

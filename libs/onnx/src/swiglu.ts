import type { Value } from './graph-builder.js';
import type { Matrix } from './matrix.js';
import type { WeightedGraph } from './weighted-graph.js';

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
  const gateUp = await graph.linear(x, [gate, up]); // [T, 2F]
  const [gated, linear] = graph.ops('Split', [gateUp, graph.shape(gate.rows, up.rows)], 2, { axis: -1 }); // [T, F] each
  const silu = graph.op('QuickGelu', [gated!], { alpha: { float: 1 } }); // [T, F]; x·sigmoid(1·x) is SiLU
  return graph.linear(graph.op('Mul', [silu, linear!]), [down]); // [T, H]
}

/** A SwiGLU MLP as a graph by itself: shared experts, a dense layer's MLP, or one routed expert. `hidden` [T, H] → `output` [T, H]. */
export async function mlp(graph: WeightedGraph, hiddenSize: number, weights: SwigluWeights): Promise<void> {
  const hidden = graph.input('hidden', 'float32', ['T', hiddenSize]);
  graph.output('output', await swiglu(graph, hidden, weights), 'float32', ['T', hiddenSize]);
}

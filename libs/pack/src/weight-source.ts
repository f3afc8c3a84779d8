import type { Matrix, SwigluWeights, Table } from '@ringmesh/onnx';
import { tensorNames } from '@ringmesh/weights';

/** The weights of a model by their Hugging Face names, as graphs take them. Matrices are read, or made, piece by piece when they are written. */
export interface WeightSource {
  /** A 1-D tensor. */
  vector(name: string): Promise<Float32Array>;
  /** [N, K] */
  matrix(name: string): Matrix;
  /** [N, K] in the source's own number format. */
  table(name: string): Table;
}

/** The matrices of the SwiGLU MLP under `prefix`. */
export function swigluWeights(weights: WeightSource, prefix: string): SwigluWeights {
  const { gate, up, down } = tensorNames.swiglu(prefix);
  return { gate: weights.matrix(gate), up: weights.matrix(up), down: weights.matrix(down) };
}

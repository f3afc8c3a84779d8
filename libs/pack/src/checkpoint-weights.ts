import type { Matrix, SwigluWeights, Table } from '@ringmesh/onnx';
import { BYTES_PER_ELEMENT, type DType } from '@ringmesh/tensor';
import { type Checkpoint, tensorNames } from '@ringmesh/weights';

const ELEMENT_TYPES = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' } as const satisfies Record<DType, string>;

/** The weights of a Hugging Face checkpoint as graphs take them: matrices are read piece by piece, when they are written. */
export class CheckpointWeights {
  constructor(private readonly checkpoint: Checkpoint) {}

  /** A 1-D tensor. */
  vector(name: string): Promise<Float32Array> {
    return this.checkpoint.readF32(name);
  }

  /** [N, K] */
  matrix(name: string): Matrix {
    const [rows, columns] = this.checkpoint.info(name).shape as [number, number];
    return { rows, columns, read: (firstRow, numRows) => this.checkpoint.readRowsF32(name, firstRow, numRows) };
  }

  /** The matrices of the SwiGLU MLP under `prefix`. */
  swiglu(prefix: string): SwigluWeights {
    const { gate, up, down } = tensorNames.swiglu(prefix);
    return { gate: this.matrix(gate), up: this.matrix(up), down: this.matrix(down) };
  }

  /** [N, K] as stored. */
  table(name: string): Table {
    const { shape, dtype } = this.checkpoint.info(name);
    const [rows, columns] = shape as [number, number];
    return {
      rows,
      columns,
      type: ELEMENT_TYPES[dtype],
      bytesPerRow: columns * BYTES_PER_ELEMENT[dtype],
      read: (firstRow, numRows) => this.checkpoint.readRows(name, firstRow, numRows),
    };
  }
}

import type { Matrix, Table } from '@ringmesh/onnx';
import { BYTES_PER_ELEMENT, type DType } from '@ringmesh/tensor';
import type { Checkpoint } from '@ringmesh/weights';
import type { WeightSource } from './weight-source.js';

const ELEMENT_TYPES = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' } as const satisfies Record<DType, string>;

/** The weights of a Hugging Face checkpoint. */
export class CheckpointWeights implements WeightSource {
  constructor(private readonly checkpoint: Checkpoint) {}

  vector(name: string): Promise<Float32Array> {
    return this.checkpoint.readF32(name);
  }

  matrix(name: string): Matrix {
    const [rows, columns] = this.checkpoint.info(name).shape as [number, number];
    return { rows, columns, read: (firstRow, numRows) => this.checkpoint.readRowsF32(name, firstRow, numRows) };
  }

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

import { InvalidOptionError } from '@ringmesh/core';
import { encodeFromF32, type Quantization } from '@ringmesh/tensor';
import type { DataFile } from './data-file.js';
import { ELEMENT_TYPES, GraphBuilder, type Value } from './graph-builder.js';
import { type Matrix, piecesOf, rangesOf, readBlocks, type Table } from './matrix.js';

/** Accuracy level 4 of MatMulNBits: activations become int8 in blocks, which is what the fast kernels multiply (docs/engine-notes.md, Weights). */
const INT8_ACTIVATIONS = 4;

/** A graph whose weights go into a data file, in the pack's number format. */
export class WeightedGraph extends GraphBuilder {
  private nextWeight = 0;

  constructor(
    name: string,
    private readonly file: DataFile,
    private readonly quantization: Quantization,
  ) {
    super(name);
  }

  /**
   * x · Wᵀ (+ bias), W in the pack's format.
   * @param x [T, K] @param matrices stacked one above another they are W [N, K] @returns [T, N]
   */
  async linear(x: Value, matrices: readonly Matrix[], bias: Float32Array | null = null): Promise<Value> {
    const product = await this.product(x, matrices);
    return bias === null ? product : this.op('Add', [product, await this.floats(bias, [bias.length])]); // [T, N]
  }

  /** x · Wᵀ in float32 whatever the pack's format, for what is small and decides much (the gate). */
  async linearF32(x: Value, matrices: readonly Matrix[]): Promise<Value> {
    const { rows, columns } = stackOf(matrices);
    const data = this.file.reserve(rows * columns * 4);
    for (const { matrix, firstRow, numRows, stackedRow } of piecesOf(matrices)) {
      await this.file.write(data, stackedRow * columns * 4, bytesOf(await matrix.read(firstRow, numRows)));
    }
    const weight = this.weight(this.weightName(), 'float32', [rows, columns], data); // [N, K]
    return this.op('Gemm', [x, weight], { transB: 1 }); // [T, N]
  }

  /** Small float32 weights: norms, biases, tables. */
  async floats(values: Float32Array, dims: number[]): Promise<Value> {
    const data = this.file.reserve(values.byteLength);
    await this.file.write(data, 0, bytesOf(values));
    return this.weight(this.weightName(), 'float32', dims, data);
  }

  /** A table whose rows are copied as they are, in the checkpoint's own number format. */
  async table({ rows, columns, type, bytesPerRow, read }: Table): Promise<Value> {
    const data = this.file.reserve(rows * bytesPerRow);
    for (const { firstRow, numRows } of rangesOf(rows, bytesPerRow)) {
      await this.file.write(data, firstRow * bytesPerRow, await read(firstRow, numRows));
    }
    return this.weight(this.weightName(), type, [rows, columns], data);
  }

  private product(x: Value, matrices: readonly Matrix[]): Promise<Value> {
    switch (this.quantization.method) {
      case 'f32':
        return this.linearF32(x, matrices);
      case 'f16':
        return this.linearF16(x, matrices);
      case 'q8':
        return this.linearBlocks(x, matrices, 8, this.quantization.blockSize);
      case 'q4':
        return this.linearBlocks(x, matrices, 4, this.quantization.blockSize);
    }
  }

  /** Stored in float16, computed in float32: ONNX Runtime widens the weight once, when it opens the graph. */
  private async linearF16(x: Value, matrices: readonly Matrix[]): Promise<Value> {
    const { rows, columns } = stackOf(matrices);
    const data = this.file.reserve(rows * columns * 2);
    for (const { matrix, firstRow, numRows, stackedRow } of piecesOf(matrices)) {
      const halves = toFloat16(await matrix.read(firstRow, numRows));
      await this.file.write(data, stackedRow * columns * 2, halves);
    }
    const stored = this.weight(this.weightName(), 'float16', [rows, columns], data); // [N, K]
    return this.op('Gemm', [x, this.op('Cast', [stored], { to: ELEMENT_TYPES.float32 })], { transB: 1 }); // [T, N]
  }

  private async linearBlocks(x: Value, matrices: readonly Matrix[], bits: 4 | 8, blockSize: number): Promise<Value> {
    const { rows, columns } = stackOf(matrices);
    const numBlocks = Math.ceil(columns / blockSize);
    const blockBytes = (blockSize * bits) / 8;
    const quantizedData = this.file.reserve(rows * numBlocks * blockBytes);
    const scalesData = this.file.reserve(rows * numBlocks * 4);
    for (const piece of piecesOf(matrices)) {
      const { quantized, scales } = await readBlocks(piece, bits, blockSize);
      await this.file.write(quantizedData, piece.stackedRow * numBlocks * blockBytes, quantized);
      await this.file.write(scalesData, piece.stackedRow * numBlocks * 4, bytesOf(scales));
    }
    const weight = this.weight(this.weightName(), 'uint8', [rows, numBlocks, blockBytes], quantizedData);
    const scale = this.weight(this.weightName(), 'float32', [rows * numBlocks], scalesData);
    const attributes = { N: rows, K: columns, bits, block_size: blockSize, accuracy_level: INT8_ACTIVATIONS };
    return this.op('MatMulNBits', [x, weight, scale], attributes); // [T, N]
  }

  private weightName(): string {
    return `weight_${this.nextWeight++}`;
  }
}

/** The size of matrices of one width, one above another. */
function stackOf(matrices: readonly Matrix[]): { rows: number; columns: number } {
  return { rows: matrices.reduce((sum, { rows }) => sum + rows, 0), columns: matrices[0]!.columns };
}

/** @throws InvalidOptionError for a weight beyond float16's range */
function toFloat16(values: Float32Array): Uint8Array {
  const halves = new Float16Array(values.length);
  const bytes = new Uint8Array(halves.buffer);
  encodeFromF32('f16', values, bytes);
  const index = halves.findIndex((value) => !Number.isFinite(value));
  if (index === -1) return bytes;
  throw new InvalidOptionError(`--quantize f16: the weight ${values[index]!} is no float16; use f32, or q8, which is smaller too`, {
    field: '--quantize',
  });
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

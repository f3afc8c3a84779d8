import { quantizeBlocks, type Quantization } from '@ringmesh/tensor';
import type { DataFile } from './data-file.js';
import { type ElementType, GraphBuilder, type Value } from './graph-builder.js';

/** A matrix of a checkpoint, read in pieces: [N, K], row n makes output feature n. */
export interface Matrix {
  /** N */
  rows: number;
  /** K */
  columns: number;
  /** @returns [numRows, K] */
  read: (firstRow: number, numRows: number) => Promise<Float32Array>;
}

/** A matrix in the checkpoint's own number format, read in pieces as bytes. */
export interface Table {
  rows: number;
  columns: number;
  type: ElementType;
  bytesPerRow: number;
  read: (firstRow: number, numRows: number) => Promise<Uint8Array>;
}

/** Pieces are cut so that one takes about this much, whatever the matrix's size. */
const PIECE_BYTES = 64 * 2 ** 20;

/** Accuracy level 4 of MatMulNBits: activations become int8 in blocks, which is what the fast kernels multiply (shared/ENGINE.md C1). */
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

  /** x · Wᵀ (+ bias), W in the pack's format. @param x [T, K] @returns [T, N] */
  async linear(x: Value, matrix: Matrix, bias: Float32Array | null = null): Promise<Value> {
    const { quantization } = this;
    const product = quantization.method === 'f32' ? await this.linearF32(x, matrix) : await this.linearQuantized(x, matrix, quantization);
    return bias === null ? product : this.op('Add', [product, await this.floats(bias, [bias.length])]); // [T, N]
  }

  /** x · Wᵀ in float32 whatever the pack's format, for what is small and decides much (the gate). */
  async linearF32(x: Value, matrix: Matrix): Promise<Value> {
    const { rows, columns } = matrix;
    const data = this.file.reserve(rows * columns * 4);
    for await (const [first, piece] of pieces(matrix)) await this.file.write(data, first * columns * 4, bytesOf(piece));
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
    for (const [first, count] of ranges(rows, bytesPerRow)) await this.file.write(data, first * bytesPerRow, await read(first, count));
    return this.weight(this.weightName(), type, [rows, columns], data);
  }

  private async linearQuantized(x: Value, matrix: Matrix, { method, blockSize }: Exclude<Quantization, { method: 'f32' }>): Promise<Value> {
    const { rows, columns } = matrix;
    const bits = method === 'q4' ? 4 : 8;
    const numBlocks = Math.ceil(columns / blockSize);
    const blockBytes = (blockSize * bits) / 8;
    const quantizedData = this.file.reserve(rows * numBlocks * blockBytes);
    const scalesData = this.file.reserve(rows * numBlocks * 4);
    for await (const [first, piece] of pieces(matrix)) {
      const { quantized, scales } = quantizeBlocks(piece, piece.length / columns, columns, bits, blockSize);
      await this.file.write(quantizedData, first * numBlocks * blockBytes, quantized);
      await this.file.write(scalesData, first * numBlocks * 4, bytesOf(scales));
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

async function* pieces(matrix: Matrix): AsyncGenerator<[firstRow: number, piece: Float32Array]> {
  for (const [first, count] of ranges(matrix.rows, matrix.columns * 4)) yield [first, await matrix.read(first, count)];
}

function* ranges(rows: number, bytesPerRow: number): Generator<[firstRow: number, numRows: number]> {
  const step = Math.max(1, Math.floor(PIECE_BYTES / bytesPerRow));
  for (let first = 0; first < rows; first += step) yield [first, Math.min(step, rows - first)];
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

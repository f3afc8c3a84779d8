import type { Matrix, Table } from '@ringmesh/onnx';
import { type Bits, encodeFromF32, type QuantizedBlocks } from '@ringmesh/tensor';
import { expectedTensors, type ModelConfig } from '@ringmesh/weights';
import type { WeightSource } from '../weight-source.js';
import { randomWords } from './random-words.js';

/**
 * Random weights for any shape, the same for the same seed. Their sizes are such that hidden states neither vanish nor explode: norms are
 * near 1, and the weights of a matrix [N, K] are uniform with variance 1/K.
 */
export class SyntheticWeights implements WeightSource {
  private readonly shapes: ReadonlyMap<string, readonly number[]>;

  constructor(
    config: ModelConfig,
    private readonly seed: number,
  ) {
    this.shapes = new Map([...expectedTensors(config)].map(([name, { axes }]) => [name, axes.map(({ size }) => size)]));
  }

  async vector(name: string): Promise<Float32Array> {
    const [length] = this.shapes.get(name) as [number];
    const mean = name.endsWith('.bias') ? 0 : 1;
    return this.uniform(name, 0, length, 0.1).map((value) => mean + value);
  }

  matrix(name: string): Matrix {
    const [rows, columns] = this.shapes.get(name) as [number, number];
    return {
      rows,
      columns,
      read: async (firstRow, numRows) => this.uniform(name, firstRow * columns, numRows * columns, Math.sqrt(3 / columns)),
      readBlocks: (firstRow, numRows, bits, blockSize) => this.blocks(name, columns, firstRow, numRows, bits, blockSize),
    };
  }

  /** In bfloat16, as checkpoints are. */
  table(name: string): Table {
    const [rows, columns] = this.shapes.get(name) as [number, number];
    return {
      rows,
      columns,
      type: 'bfloat16',
      bytesPerRow: columns * 2,
      read: async (firstRow, numRows) => {
        const bytes = new Uint8Array(numRows * columns * 2);
        encodeFromF32('bf16', this.uniform(name, firstRow * columns, numRows * columns, 1), bytes);
        return bytes;
      },
    };
  }

  /** Uniform in ±limit. */
  private uniform(name: string, first: number, count: number, limit: number): Float32Array {
    const words = randomWords(this.seed, name, first, count);
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = words[i]! * (limit / 2 ** 31);
    return values;
  }

  /**
   * Blocks without a detour over float32: uniform weights have uniform codes. Codes are −2^(bits−1) … 2^(bits−1) − 1, which lean to the
   * negative; random signs of the scales make up for it. Null where the last block would have to be padded.
   */
  private blocks(name: string, columns: number, firstRow: number, numRows: number, bits: Bits, blockSize: number): QuantizedBlocks | null {
    if (columns % blockSize !== 0) return null;
    const wordsPerRow = (columns * bits) / 32;
    const codes = randomWords(this.seed, name, firstRow * wordsPerRow, numRows * wordsPerRow);
    const blocksPerRow = columns / blockSize;
    const signs = randomWords(this.seed, `${name} signs`, firstRow * blocksPerRow, numRows * blocksPerRow);
    const meanSquareCode = (4 ** bits + 2) / 12;
    const scale = 1 / Math.sqrt(columns * meanSquareCode);
    return {
      quantized: new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength), // [numRows, B, blockSize × bits / 8]
      scales: Float32Array.from(signs, (sign) => (sign < 0 ? -scale : scale)), // [numRows × B]
    };
  }
}

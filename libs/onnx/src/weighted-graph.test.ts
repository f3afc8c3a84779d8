import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dequantizeBlocks, type Quantization, quantizeBlocks } from '@ringmesh/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataFile } from './data-file.js';
import type { Matrix } from './matrix.js';
import { float32, Session } from './session.js';
import { WeightedGraph } from './weighted-graph.js';

const K = 256;
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ringmesh-graph-'));
});

afterEach(() => rm(dir, { recursive: true }));

/** Values that need all of float32's bits. */
function wave(length: number, phase: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(i * 0.7 + phase) / 3);
}

/** [N, K] */
function matrixOf(values: Float32Array): Matrix {
  const read = async (firstRow: number, numRows: number) => values.slice(firstRow * K, (firstRow + numRows) * K);
  return { rows: values.length / K, columns: K, read };
}

/** What a graph of one product makes of `x`, and the size of its weights. */
async function multiply(x: Float32Array, matrices: Matrix[], quantization: Quantization): Promise<{ y: Float32Array; bytes: number }> {
  const file = await DataFile.create(join(dir, 'weights.bin'));
  const graph = new WeightedGraph('test', file, quantization);
  const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, 0);
  const product = await graph.linear(graph.input('x', 'float32', [1, K]), matrices);
  graph.output('y', product, 'float32', [1, rows]);
  await file.close();
  await writeFile(join(dir, 'graph.onnx'), graph.build());
  const session = Session.open(join(dir, 'graph.onnx'), ['y']);
  const y = session.run({ x: float32(x, [1, K]) })['y']!.data as Float32Array;
  session.close();
  return { y, bytes: (await stat(join(dir, 'weights.bin'))).size };
}

/** x · Wᵀ in float64. */
function expected(x: Float32Array, weights: Float32Array): number[] {
  return Array.from({ length: weights.length / K }, (_, row) => x.reduce((sum, value, k) => sum + value * weights[row * K + k]!, 0));
}

/** Relative root mean square error. */
function errorOf(y: Float32Array, wanted: number[]): number {
  const square = (values: number[]): number => values.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(square(wanted.map((value, i) => value - y[i]!)) / square(wanted));
}

describe('linear', () => {
  const x = wave(K, 1);
  const upper = wave(12 * K, 2);
  const lower = wave(20 * K, 3);
  const wanted = expected(x, new Float32Array([...upper, ...lower]));

  it.each<[Quantization, number, number]>([
    [{ method: 'f32' }, 1e-6, 4],
    [{ method: 'f16' }, 1e-3, 2],
    [{ method: 'q8', blockSize: 128 }, 0.02, 1],
    [{ method: 'q8', blockSize: 32 }, 0.02, 1],
    [{ method: 'q4', blockSize: 128 }, 0.2, 0.5],
    [{ method: 'q4', blockSize: 32 }, 0.15, 0.5],
  ])('%j: multiplies with all rows of stacked matrices', async (quantization, tolerance, bytesPerWeight) => {
    const { y, bytes } = await multiply(x, [matrixOf(upper), matrixOf(lower)], quantization);
    expect(errorOf(y, wanted)).toBeLessThan(tolerance);
    expect(bytes).toBeGreaterThanOrEqual(32 * K * bytesPerWeight);
    expect(bytes).toBeLessThan(32 * K * bytesPerWeight + 8192);
  });

  it('takes blocks that a matrix makes by itself', async () => {
    const blocks = quantizeBlocks(upper, 12, K, 4, 32);
    const unread = async (): Promise<Float32Array> => Promise.reject(new Error('read in float32'));
    const readBlocks = (firstRow: number, numRows: number, bits: number, blockSize: number) =>
      firstRow === 0 && numRows === 12 && bits === 4 && blockSize === 32 ? blocks : null;
    const { y } = await multiply(x, [{ rows: 12, columns: K, read: unread, readBlocks }], { method: 'q4', blockSize: 32 });
    expect(errorOf(y, expected(x, dequantizeBlocks(blocks, 12, K, 4, 32)))).toBeLessThan(0.02);
  });

  it('refuses a weight that float16 cannot hold', async () => {
    const large = wave(K, 1).with(3, 70_000);
    await expect(multiply(x, [matrixOf(large)], { method: 'f16' })).rejects.toThrow(/--quantize f16: the weight 70000 is no float16/);
  });
});

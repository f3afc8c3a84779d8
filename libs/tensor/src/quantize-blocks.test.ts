import { CheckpointCorruptError } from '@ringmesh/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bits, dequantizeBlocks, quantizeBlocks } from './quantize-blocks.js';

/** Normal weights from a fixed sequence: the same in every run. */
function normalWeights(count: number): Float32Array {
  let state = 1;
  const uniform = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
  return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

function squaredError(weights: Float32Array, restored: Float32Array): number {
  return weights.reduce((sum, weight, i) => sum + (weight - restored[i]!) ** 2, 0);
}

function relativeError(weights: Float32Array, restored: Float32Array): number {
  return squaredError(weights, restored) / squaredError(weights, new Float32Array(weights.length));
}

/** What ggml's Q4_0 and Q8 do: the largest weight becomes the lowest code, nothing is fitted. */
function plainError(weights: Float32Array, bits: Bits, blockSize: number): number {
  const restored = new Float32Array(weights.length);
  const limit = 2 ** (bits - 1);
  for (let start = 0; start < weights.length; start += blockSize) {
    const block = weights.subarray(start, start + blockSize);
    const scale = block.reduce((peak, weight) => (Math.abs(weight) > Math.abs(peak) ? weight : peak), 0) / -limit;
    block.forEach((weight, i) => (restored[start + i] = Math.min(limit - 1, Math.round(weight / scale)) * scale));
  }
  return relativeError(weights, restored);
}

describe('quantizeBlocks', () => {
  it('lays codes out as MatMulNBits reads them: [N, B, blockSize × bits / 8], even columns in low halves', () => {
    const numColumns = 20;
    const row = (sign: number): number[] => Array.from({ length: numColumns }, (_, k) => sign * ((k % 16) - 8));
    const weights = Float32Array.from([...row(1), ...row(0.5)]); // [2, 20]
    const { quantized, scales } = quantizeBlocks(weights, 2, numColumns, 4, 16);
    const full = [0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe];
    expect([...quantized.subarray(0, 8)]).toEqual(full);
    expect([...quantized.subarray(16, 24)]).toEqual(full);
    expect(scales).toHaveLength(4);
    expect([scales[0], scales[2]]).toEqual([1, 0.5]);
    // Columns 16 to 19 hold −8 … −5; the rest of the block is padding: code 8, which is zero.
    expect([...quantized.subarray(10, 16)]).toEqual(new Array(6).fill(0x88));
  });

  it('lays 8-bit codes out one a byte around 128', () => {
    const weights = Float32Array.from({ length: 16 }, (_, k) => (k === 0 ? -128 : k * 8));
    const { quantized, scales } = quantizeBlocks(weights, 1, 16, 8, 16);
    expect([...quantized]).toEqual([0, ...Array.from({ length: 15 }, (_, k) => 128 + (k + 1) * 8)]);
    expect(scales[0]).toBe(1);
  });

  it.each<[Bits, number, number]>([
    [4, 32, 0.0069],
    [4, 128, 0.0097],
    [8, 32, 2.9e-5],
    [8, 128, 4.3e-5],
  ])('%d bits, block %d: relative squared error on normal weights stays below %d', (bits, blockSize, limit) => {
    const weights = normalWeights(128 * 256);
    const error = relativeError(weights, dequantizeBlocks(quantizeBlocks(weights, 128, 256, bits, blockSize), 128, 256, bits, blockSize));
    expect(error).toBeLessThan(limit);
    expect(error).toBeLessThan(plainError(weights, bits, blockSize) * (bits === 4 ? 0.93 : 1));
  });

  it('is never further off than rounding to nearest, block by block, however heavy the tails', () => {
    const weight = fc.oneof(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1e3, max: 1e3, noNaN: true }));
    const block = fc.array(weight, { minLength: 1, maxLength: 128 }).filter((weights) => weights.some((value) => Math.abs(value) > 1e-6));
    fc.assert(
      fc.property(block, fc.constantFrom<Bits>(4, 8), (values, bits) => {
        const weights = Float32Array.from(values);
        const blocks = quantizeBlocks(weights, 1, weights.length, bits, 128);
        const error = relativeError(weights, dequantizeBlocks(blocks, 1, weights.length, bits, 128));
        expect(error).toBeLessThanOrEqual(plainError(weights, bits, 128) + 1e-12); // scales are rounded to float32
      }),
    );
  });

  it('restores weights that are codes times a scale', () => {
    const block = fc.record({
      scale: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      codes: fc.array(fc.integer({ min: -8, max: 7 }), { minLength: 1, maxLength: 50 }),
    });
    fc.assert(
      fc.property(block, ({ scale, codes }) => {
        const weights = Float32Array.from([-8, ...codes], (code) => code * scale);
        const restored = dequantizeBlocks(quantizeBlocks(weights, 1, weights.length, 4, 64), 1, weights.length, 4, 64);
        restored.forEach((value, i) => expect(Math.abs(value - weights[i]!)).toBeLessThanOrEqual(Math.abs(weights[i]!) * 1e-6));
      }),
    );
  });

  it('is never further off than one step, whatever the shape', () => {
    const shape = fc.record({
      numRows: fc.integer({ min: 1, max: 4 }),
      numColumns: fc.integer({ min: 1, max: 70 }),
      bits: fc.constantFrom<Bits>(4, 8),
      blockSize: fc.constantFrom(16, 32, 64),
    });
    fc.assert(
      fc.property(
        shape,
        fc.infiniteStream(fc.float({ min: -1, max: 1, noNaN: true })),
        ({ numRows, numColumns, bits, blockSize }, stream) => {
          const weights = Float32Array.from(stream.take(numRows * numColumns));
          const blocks = quantizeBlocks(weights, numRows, numColumns, bits, blockSize);
          const restored = dequantizeBlocks(blocks, numRows, numColumns, bits, blockSize);
          const numBlocks = Math.ceil(numColumns / blockSize);
          restored.forEach((value, i) => {
            const block = Math.floor(i / numColumns) * numBlocks + Math.floor((i % numColumns) / blockSize);
            expect(Math.abs(value - weights[i]!)).toBeLessThanOrEqual(Math.abs(blocks.scales[block]!) * 2.5 + 1e-40);
          });
        },
      ),
    );
  });

  it('gives a piece of rows what it gives the whole', () => {
    const weights = normalWeights(6 * 40);
    const whole = quantizeBlocks(weights, 6, 40, 4, 16);
    const piece = quantizeBlocks(weights.subarray(2 * 40, 5 * 40), 3, 40, 4, 16);
    expect(piece.quantized).toEqual(whole.quantized.subarray(2 * 24, 5 * 24));
    expect(piece.scales).toEqual(whole.scales.subarray(2 * 3, 5 * 3));
  });

  it('keeps blocks of zeros zero', () => {
    const { quantized, scales } = quantizeBlocks(new Float32Array(32), 1, 32, 4, 16);
    expect([...quantized]).toEqual(new Array(16).fill(0x88));
    expect([...scales]).toEqual([0, 0]);
  });

  it.each([NaN, Infinity, -Infinity])('rejects %d among the weights, wherever it stands', (value) => {
    for (const rest of [0, 1]) {
      for (const position of [0, 17, 39]) {
        const weights = new Float32Array(40).fill(rest);
        weights[position] = value;
        expect(() => quantizeBlocks(weights, 2, 20, 4, 16)).toThrow(CheckpointCorruptError);
      }
    }
  });

  it('rejects sizes that do not fit', () => {
    expect(() => quantizeBlocks(new Float32Array(31), 1, 32, 4, 16)).toThrow(RangeError);
    expect(() => quantizeBlocks(new Float32Array(32), 1, 32, 4, 24)).toThrow(RangeError);
    expect(() => quantizeBlocks(new Float32Array(32), 1, 32, 4, 8)).toThrow(RangeError);
  });
});

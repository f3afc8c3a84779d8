import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BYTES_PER_ELEMENT, type DType } from './dtype.js';
import { decodeFloats, encodeFloats } from './float-bytes.js';

function roundTrip(values: number[], dtype: DType, byteOffset = 0): number[] {
  const bytes = new Uint8Array(byteOffset + values.length * BYTES_PER_ELEMENT[dtype]).subarray(byteOffset);
  encodeFloats(Float32Array.from(values), dtype, bytes);
  const decoded = new Float32Array(values.length);
  decodeFloats(bytes, dtype, decoded);
  return [...decoded];
}

describe('encodeFloats and decodeFloats', () => {
  it('keeps every f32 bit at any alignment', () => {
    fc.assert(
      fc.property(fc.array(fc.float()), fc.nat(7), (values, byteOffset) => {
        expect(roundTrip(values, 'f32', byteOffset)).toEqual(values);
      }),
    );
  });

  it.each([
    // Ties go to the even neighbour: 1 + 2⁻⁸ lies between 1 and 1 + 2⁻⁷ (bf16), 1 + 2⁻¹¹ between 1 and 1 + 2⁻¹⁰ (f16).
    ['bf16', 1 + 2 ** -8, 1],
    ['bf16', 1 + 3 * 2 ** -8, 1 + 2 ** -6],
    ['bf16', 1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -7],
    ['bf16', -3.4028234663852886e38, -Infinity],
    ['f16', 1 + 2 ** -11, 1],
    ['f16', 1 + 3 * 2 ** -11, 1 + 2 ** -9],
    ['f16', 2 ** -24, 2 ** -24],
    ['f16', 65519, 65504],
    ['f16', 65520, Infinity],
    ['f16', -0, -0],
  ] as const)('rounds to the nearest %s: %d → %d', (dtype, value, expected) => {
    expect(roundTrip([value], dtype)).toEqual([expected]);
  });

  it.each(['bf16', 'f16'] as const)('%s: what was rounded once stays, and NaN and infinity survive', (dtype) => {
    const special = [NaN, Infinity, -Infinity];
    expect(roundTrip(special, dtype, 1)).toEqual(special);
    const quietestNan = new Float32Array(Uint32Array.of(0x7f80_0001, 0xffff_ffff).buffer);
    expect(roundTrip([...quietestNan], dtype)).toEqual([NaN, NaN]);
    fc.assert(
      fc.property(fc.array(fc.float()), fc.nat(3), (values, byteOffset) => {
        const once = roundTrip(values, dtype, byteOffset);
        expect(roundTrip(once, dtype)).toEqual(once);
      }),
    );
  });
});

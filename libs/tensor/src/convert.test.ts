import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeToF32, encodeFromF32 } from './convert.js';
import { BYTES_PER_ELEMENT, type DType } from './dtype.js';

const ALL_HALVES = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

interface Format {
  dtype: 'bf16' | 'f16';
  exponentBits: number;
  mantissaBits: number;
}

const FORMATS: Format[] = [
  { dtype: 'bf16', exponentBits: 8, mantissaBits: 7 },
  { dtype: 'f16', exponentBits: 5, mantissaBits: 10 },
];

function round(values: Float32Array, { dtype }: Format): Uint16Array {
  const bits = new Uint16Array(values.length);
  encodeFromF32(dtype, values, new Uint8Array(bits.buffer));
  return bits;
}

function widen(bits: Uint16Array, { dtype }: Format): Float32Array {
  const values = new Float32Array(bits.length);
  decodeToF32(dtype, new Uint8Array(bits.buffer), values);
  return values;
}

/** The value of a 16-bit float by IEEE 754's definition. */
function valueOf(bits: number, { exponentBits, mantissaBits }: Format): number {
  const sign = bits >>> 15 ? -1 : 1;
  const exponent = (bits >>> mantissaBits) & (2 ** exponentBits - 1);
  const mantissa = bits & (2 ** mantissaBits - 1);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return mantissa ? NaN : sign * Infinity;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (1 + mantissa / 2 ** mantissaBits) * 2 ** (exponent - bias);
}

describe.each(FORMATS)('$dtype', (format) => {
  const widened = widen(ALL_HALVES, format);

  it('widens every value exactly', () => {
    const expected = Float64Array.from(ALL_HALVES, (bits) => valueOf(bits, format));
    for (let bits = 0; bits < 65536; bits++) {
      if (!Object.is(widened[bits], expected[bits])) expect.soft(widened[bits], `bits ${bits}`).toBe(expected[bits]);
    }
  });

  it('gives every value back after widening', () => {
    const back = round(widened, format);
    const infinity = (2 ** format.exponentBits - 1) << format.mantissaBits;
    for (let bits = 0; bits < 65536; bits++) {
      const isNaN = (bits & 0x7fff) > infinity;
      if (isNaN ? (back[bits]! & 0x7fff) <= infinity : back[bits] !== bits) expect.soft(back[bits], `bits ${bits}`).toBe(bits);
    }
  });

  it('rounds to nearest, ties to even', () => {
    const infinity = (2 ** format.exponentBits - 1) << format.mantissaBits;
    const around = new Float32Array(3);
    const around32 = new Int32Array(around.buffer);
    for (let bits = 0; bits < infinity; bits++) {
      const low = widened[bits]!;
      // Above the largest finite value lies what would be the next step; from its half on, values round to infinity.
      const high = bits + 1 === infinity ? 2 * low - widened[bits - 1]! : widened[bits + 1]!;
      around.fill((low + high) / 2);
      around32[0]! -= 1;
      around32[2]! += 1;
      const rounded = round(around, format);
      const expected = [bits, bits % 2 === 0 ? bits : bits + 1, bits + 1];
      if (expected.some((value, i) => value !== rounded[i])) expect.soft([...rounded], `above bits ${bits}`).toEqual(expected);
    }
  });

  it('overflows to infinity and keeps NaN and signed zero', () => {
    const rounded = round(Float32Array.of(3.4028235e38, -3.4028235e38, NaN, Infinity, -0, 1e-45), format);
    expect([...widen(rounded, format)]).toEqual([Infinity, -Infinity, NaN, Infinity, -0, 0]);
  });
});

describe('decodeToF32 and encodeFromF32', () => {
  it('are inverse for representable values at any alignment, and touch no byte beside theirs', () => {
    const representable = fc
      .array(fc.integer({ min: -256, max: 256 }), { maxLength: 40 })
      .map((integers) => Float32Array.from(integers, (n) => n / 4));
    fc.assert(
      fc.property(fc.constantFrom<DType>('f32', 'f16', 'bf16'), fc.nat(7), representable, (dtype, offset, values) => {
        const buffer = Buffer.alloc(offset + values.length * BYTES_PER_ELEMENT[dtype] + 8);
        const bytes = buffer.subarray(offset, buffer.length - 8);
        encodeFromF32(dtype, values, bytes);
        const decoded = new Float32Array(values.length);
        decodeToF32(dtype, bytes, decoded);
        expect(decoded).toEqual(values);
        expect([...buffer.subarray(0, offset), ...buffer.subarray(-8)]).toEqual(new Array(offset + 8).fill(0));
      }),
    );
  });

  it.each(['f32', 'f16', 'bf16'] as const)('reject %s bytes that are too few or too many', (dtype) => {
    for (const length of [3, 9]) {
      const bytes = new Uint8Array(64).subarray(0, length);
      expect(() => decodeToF32(dtype, bytes, new Float32Array(2))).toThrow(RangeError);
      expect(() => encodeFromF32(dtype, new Float32Array(2), bytes)).toThrow(RangeError);
    }
  });
});

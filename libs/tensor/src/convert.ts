import { copyBytes } from './copy-bytes.js';
import { BYTES_PER_ELEMENT, type DType } from './dtype.js';

const EXPONENT_ALL_ONES = 0x7f80_0000;
const QUIET_BIT = 0x40;

/**
 * Decodes little-endian elements to float32, exactly. `bytes` may start at any offset of its buffer.
 * @throws RangeError where the sizes differ
 */
export function decodeToF32(dtype: DType, bytes: Uint8Array, out: Float32Array): void {
  checkSizes(dtype, bytes, out);
  if (dtype === 'f32') {
    copyBytes(bytes, bytesOf(out));
    return;
  }
  // Not `slice`: a Buffer's is a view.
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  if (dtype === 'f16') widenFloat16(new Float16Array(aligned.buffer, aligned.byteOffset, out.length), out);
  else widenBfloat16(new Uint16Array(aligned.buffer, aligned.byteOffset, out.length), out);
}

/**
 * Encodes float32 as little-endian elements, rounding to nearest, ties to even; what is too large for the format becomes infinite. `out`
 * may start at any offset of its buffer.
 * @throws RangeError where the sizes differ
 */
export function encodeFromF32(dtype: DType, values: Float32Array, out: Uint8Array): void {
  checkSizes(dtype, out, values);
  if (dtype === 'f32') {
    copyBytes(bytesOf(values), out);
    return;
  }
  const isAligned = out.byteOffset % 2 === 0;
  const halves = isAligned ? new Uint16Array(out.buffer, out.byteOffset, values.length) : new Uint16Array(values.length);
  if (dtype === 'f16') new Float16Array(halves.buffer, halves.byteOffset, halves.length).set(values);
  else roundToBfloat16(values, halves);
  if (!isAligned) out.set(bytesOf(halves));
}

function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function checkSizes(dtype: DType, bytes: Uint8Array, values: Float32Array): void {
  const expected = values.length * BYTES_PER_ELEMENT[dtype];
  if (bytes.length !== expected) throw new RangeError(`${values.length} ${dtype} values take ${expected} bytes, not ${bytes.length}`);
}

/** bf16 is the upper half of an f32. Signed bits keep the sum within int32, which is what the compiler adds fast. */
function roundToBfloat16(values: Float32Array, target: Uint16Array): void {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let index = 0; index < bits.length; index++) {
    const value = bits[index]!;
    const isNan = (value & 0x7fff_ffff) > EXPONENT_ALL_ONES;
    // A NaN's payload may lie in the bits that are cut off; the quiet bit keeps it a NaN.
    target[index] = isNan ? (value >>> 16) | QUIET_BIT : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
}

function widenBfloat16(source: Uint16Array, values: Float32Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let index = 0; index < bits.length; index++) bits[index] = source[index]! << 16;
}

/** Twice as fast as `values.set(source)` in V8 13.6. */
function widenFloat16(source: Float16Array, values: Float32Array): void {
  for (let index = 0; index < values.length; index++) values[index] = source[index]!;
}

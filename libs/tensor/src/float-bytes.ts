import { BYTES_PER_ELEMENT, type DType } from './dtype.js';

const EXPONENT_ALL_ONES = 0x7f80_0000;
const QUIET_NAN = 0x7fc0;

/**
 * Writes `values` as `dtype`, little-endian, into the first bytes of `bytes` at any alignment. Rounds to nearest, ties to even; what is
 * too large for f16 becomes infinite.
 */
export function encodeFloats(values: Float32Array, dtype: DType, bytes: Uint8Array): void {
  if (dtype === 'f32') {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    return;
  }
  const isAligned = bytes.byteOffset % BYTES_PER_ELEMENT[dtype] === 0;
  const target = isAligned ? bytes : new Uint8Array(values.length * BYTES_PER_ELEMENT[dtype]);
  if (dtype === 'f16') new Float16Array(target.buffer, target.byteOffset, values.length).set(values);
  else roundToBfloat16(values, new Uint16Array(target.buffer, target.byteOffset, values.length));
  if (!isAligned) bytes.set(target);
}

/** Fills `values` from the first bytes of `bytes`: `dtype`, little-endian, at any alignment. Exact. */
export function decodeFloats(bytes: Uint8Array, dtype: DType, values: Float32Array): void {
  const numBytes = values.length * BYTES_PER_ELEMENT[dtype];
  const source = bytes.subarray(0, numBytes);
  if (dtype === 'f32') {
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength).set(source);
    return;
  }
  // Not `slice`: a Buffer's is a view.
  const aligned = source.byteOffset % BYTES_PER_ELEMENT[dtype] === 0 ? source : new Uint8Array(source);
  if (dtype === 'f16') values.set(new Float16Array(aligned.buffer, aligned.byteOffset, values.length));
  else widenBfloat16(new Uint16Array(aligned.buffer, aligned.byteOffset, values.length), values);
}

/** bf16 is the upper half of an f32. */
function roundToBfloat16(values: Float32Array, target: Uint16Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let index = 0; index < bits.length; index++) {
    const value = bits[index]!;
    const isNan = (value & 0x7fff_ffff) > EXPONENT_ALL_ONES;
    target[index] = isNan ? QUIET_NAN : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
}

function widenBfloat16(source: Uint16Array, values: Float32Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let index = 0; index < bits.length; index++) bits[index] = source[index]! << 16;
}

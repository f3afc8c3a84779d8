import { BYTES_PER_ELEMENT, type DType, encodeFromF32 } from '@ringmesh/tensor';

/** The tag of the one bytes field of the hot messages: field 15, length-delimited. */
const FLOATS_TAG = (15 << 3) | 2;

/**
 * A message from its header (all other fields, already encoded) and field 15: the blocks of floats one after the other in `dtype`, each
 * copied once, into its place.
 */
export function appendFloats(header: Uint8Array, blocks: readonly Float32Array[], dtype: DType): Buffer {
  let numBytes = 0;
  for (const block of blocks) numBytes += block.length * BYTES_PER_ELEMENT[dtype];
  const start = header.length + 1 + varintBytes(numBytes);
  const message = Buffer.allocUnsafe(start + numBytes);
  message.set(header);
  message[header.length] = FLOATS_TAG;
  writeVarint(message, header.length + 1, numBytes);
  let offset = start;
  for (const block of blocks) {
    const end = offset + block.length * BYTES_PER_ELEMENT[dtype];
    encodeFromF32(dtype, block, message.subarray(offset, end));
    offset = end;
  }
  return message;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}

function writeVarint(target: Uint8Array, offset: number, value: number): void {
  let rest = value;
  let position = offset;
  while (rest > 0x7f) {
    target[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[position] = rest;
}

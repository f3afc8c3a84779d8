import { BYTES_PER_ELEMENT, type DType, encodeFromF32 } from '@ringmesh/tensor';
import { tagOf, WireFormat } from './wire-format.js';

const MAX_VARINT_BYTES = 10;
const WORD_BYTES = 8;

/**
 * Writes a protobuf message whose last field is a long list of floats: the fields before them go into memory that is used again for the next
 * message, so that the message itself is allocated once, in its right size, and nothing is written field by field but numbers.
 */
export class WireWriter {
  private memory = new Uint8Array(1024);
  private length = 0;

  /** Begins a new message. */
  start(): this {
    this.length = 0;
    return this;
  }

  /** An integer below 2^53; proto3 leaves out zero. */
  integer(field: number, value: number): this {
    if (value === 0) return this;
    this.reserve(2 * MAX_VARINT_BYTES);
    this.varint(tagOf(field, WireFormat.varint));
    this.varint(value);
    return this;
  }

  text(field: number, value: string): this {
    if (value === '') return this;
    const bytes = Buffer.from(value);
    this.prefix(field, bytes.length);
    this.memory.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  /** A packed list of uint32. */
  integers(field: number, values: Int32Array): this {
    if (values.length === 0) return this;
    let numBytes = 0;
    for (let index = 0; index < values.length; index++) numBytes += varintBytes(values[index]! >>> 0);
    this.prefix(field, numBytes);
    for (let index = 0; index < values.length; index++) this.varint(values[index]! >>> 0);
    return this;
  }

  /** A packed list of floats. */
  floats(field: number, values: Float32Array): this {
    if (values.length === 0) return this;
    this.prefix(field, values.byteLength);
    encodeFromF32('f32', values, this.memory.subarray(this.length, this.length + values.byteLength));
    this.length += values.byteLength;
    return this;
  }

  /** The message as it is. */
  finish(): Buffer {
    return Buffer.from(this.memory.subarray(0, this.length));
  }

  /** The message with a last field of bytes: the blocks one after the other in `dtype`, each written once, into its place. */
  finishWith(field: number, blocks: readonly Float32Array[], dtype: DType): Buffer {
    let numBytes = 0;
    for (const block of blocks) numBytes += block.length * BYTES_PER_ELEMENT[dtype];
    if (numBytes === 0) return this.finish();
    this.prefix(field, numBytes, 0);
    const message = allocateAligned(this.length, numBytes);
    message.set(this.memory.subarray(0, this.length));
    let offset = this.length;
    for (const block of blocks) {
      const end = offset + block.length * BYTES_PER_ELEMENT[dtype];
      encodeFromF32(dtype, block, message.subarray(offset, end));
      offset = end;
    }
    return message;
  }

  /** Tag and length of a field of bytes, and room for these. */
  private prefix(field: number, numBytes: number, room = numBytes): void {
    this.reserve(2 * MAX_VARINT_BYTES + room);
    this.varint(tagOf(field, WireFormat.bytes));
    this.varint(numBytes);
  }

  private varint(value: number): void {
    const { memory } = this;
    let rest = value;
    while (rest > 0x7f) {
      memory[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80); // not a shift: ids have up to 53 bits
    }
    memory[this.length++] = rest;
  }

  private reserve(numBytes: number): void {
    if (this.length + numBytes <= this.memory.length) return;
    const larger = new Uint8Array(2 * (this.length + numBytes));
    larger.set(this.memory.subarray(0, this.length));
    this.memory = larger;
  }
}

/** Memory whose last `numBytes` bytes start where numbers do, so that they are written without a detour. */
function allocateAligned(start: number, numBytes: number): Buffer {
  const padded = Buffer.allocUnsafe(WORD_BYTES + start + numBytes);
  const shift = WORD_BYTES - ((padded.byteOffset + start) % WORD_BYTES);
  return padded.subarray(shift, shift + start + numBytes);
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

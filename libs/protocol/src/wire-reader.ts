import { InvalidRequestError } from '@ringmesh/core';
import { decodeToF32 } from '@ringmesh/tensor';
import { WireFormat } from './wire-format.js';
import type { WireList } from './wire-list.js';

const MAX_VARINT_BYTES = 10;
const MAX_INT32 = 2 ** 31 - 1;

/**
 * Reads the bytes of a protobuf message from anywhere, field by field, into memory that the caller owns. Every method throws
 * InvalidRequestError naming the field for bytes that end too soon, for a number out of range and for a list that does not fit.
 */
export class WireReader {
  private position = 0;

  constructor(
    private readonly bytes: Uint8Array,
    /** The message's name, for errors. */
    private readonly message: string,
  ) {}

  /** The tag of the next field, whose value must be read or skipped then; 0 at the end. */
  nextTag(): number {
    if (this.position === this.bytes.length) return 0;
    const tag = this.integer('tag', 2 ** 32 - 1);
    if (tag >>> 3 === 0) throw this.invalid('tag', 'must name a field, got 0');
    return tag;
  }

  /** Passes over a field that is not known. */
  skip(tag: number): void {
    const field = String(tag >>> 3);
    const format = tag & 7;
    if (format === WireFormat.varint) this.integer(field, Infinity);
    else if (format === WireFormat.fixed32) this.take(field, 4);
    else if (format === WireFormat.fixed64) this.take(field, 8);
    else if (format === WireFormat.bytes) this.blob(field);
    else throw this.invalid(field, `must not be of wire type ${format}, which proto3 does not have`);
  }

  integer(field: string, most: number): number {
    const value = this.varint(field, this.bytes.length);
    if (value > most) throw this.invalid(field, `must be at most ${most}, got ${value}`);
    return value;
  }

  /** A field of bytes: a view, valid as long as the message's memory. */
  blob(field: string): Uint8Array {
    const length = this.integer(field, Infinity);
    const start = this.take(field, length);
    return this.bytes.subarray(start, start + length);
  }

  /** One uint32 below 2^31 of a list that is not packed. */
  appendInteger(field: string, list: WireList<Int32Array>): void {
    this.listInteger(field, list, this.bytes.length);
  }

  /** A packed list of uint32 below 2^31. */
  appendIntegers(field: string, list: WireList<Int32Array>): void {
    const length = this.integer(field, Infinity);
    this.position = this.take(field, length);
    const end = this.position + length;
    while (this.position < end) this.listInteger(field, list, end);
  }

  /** One float of a list that is not packed. */
  appendFloat(field: string, list: WireList<Float32Array>): void {
    this.listFloats(field, list, 4);
  }

  /** A packed list of floats. */
  appendFloats(field: string, list: WireList<Float32Array>): void {
    this.listFloats(field, list, this.integer(field, Infinity));
  }

  /** @returns an error that says what is wrong with a field */
  invalid(field: string, problem: string): InvalidRequestError {
    return new InvalidRequestError(`${this.message}.${field} ${problem}`, { field });
  }

  private listInteger(field: string, list: WireList<Int32Array>, end: number): void {
    this.requireRoom(field, list, 1);
    const value = this.varint(field, end);
    if (value > MAX_INT32) throw this.invalid(field, `must be below 2^31, got ${value}`);
    list.memory[list.length++] = value;
  }

  private listFloats(field: string, list: WireList<Float32Array>, numBytes: number): void {
    if (numBytes % 4 !== 0) throw this.invalid(field, `must have 4 bytes a float, got ${numBytes} bytes`);
    this.requireRoom(field, list, numBytes / 4);
    const start = this.take(field, numBytes);
    const end = list.length + numBytes / 4;
    decodeToF32('f32', this.bytes.subarray(start, start + numBytes), list.memory.subarray(list.length, end));
    list.length = end;
  }

  /** @param end where its bytes must end @returns exact up to 2^53, more than that for what is larger */
  private varint(field: string, end: number): number {
    const { bytes } = this;
    let value = 0;
    let weight = 1;
    for (let length = 0; length < MAX_VARINT_BYTES; length++) {
      if (this.position >= end) throw this.invalid(field, 'is cut short');
      const byte = bytes[this.position++]!;
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) return value;
      weight *= 0x80;
    }
    throw this.invalid(field, `must be a varint of at most ${MAX_VARINT_BYTES} bytes`);
  }

  /** Passes over `numBytes`. @returns where they start */
  private take(field: string, numBytes: number): number {
    const start = this.position;
    const left = this.bytes.length - start;
    if (numBytes > left) throw this.invalid(field, `is cut short: ${left} of ${numBytes} bytes are there`);
    this.position += numBytes;
    return start;
  }

  private requireRoom(field: string, { memory, length }: WireList<Int32Array | Float32Array>, more: number): void {
    if (length + more > memory.length) throw this.invalid(field, `must have at most ${memory.length} entries`);
  }
}

import { InvalidRequestError } from '@ringmesh/core';
import { BYTES_PER_ELEMENT, decodeToF32, type DType } from '@ringmesh/tensor';
import { ForwardReply_Status as ForwardStatus } from './gen/ringmesh/expert/v1/expert.js';
import { dtypeOf, wireTypeOf } from './wire-dtype.js';
import { tagOf, WireFormat } from './wire-format.js';
import { WireReader } from './wire-reader.js';
import { WireWriter } from './wire-writer.js';

export { ForwardStatus };

/** A ringmesh.expert.v1.ForwardReply whose partial sums are not decoded yet. */
export interface ForwardReply {
  id: number;
  /** UNRECOGNIZED for one that only a newer worker knows. */
  status: ForwardStatus;
  message: string;
  wireType: number;
  /** A view into the received bytes. */
  partials: Uint8Array;
}

/** Field numbers of expert.proto. */
const Field = { id: 1, status: 2, message: 3, wireType: 4, partials: 15 } as const;
const Tag = {
  id: tagOf(Field.id, WireFormat.varint),
  status: tagOf(Field.status, WireFormat.varint),
  message: tagOf(Field.message, WireFormat.bytes),
  wireType: tagOf(Field.wireType, WireFormat.varint),
  partials: tagOf(Field.partials, WireFormat.bytes),
} as const;

const STATUSES = new Map<number, ForwardStatus>(
  Object.values(ForwardStatus).flatMap((status) => (typeof status === 'string' ? [] : [[status, status]])),
);

const MAX_MESSAGE_CHARACTERS = 1024;
/** Of those characters in UTF-8. */
const MAX_MESSAGE_BYTES = 3 * MAX_MESSAGE_CHARACTERS;

const writer = new WireWriter();

/** The partial sums [P, H] of one request, given as blocks of whole rows in the order of their shards. */
export function encodeForwardReply(id: number, blocks: readonly Float32Array[], dtype: DType): Buffer {
  return writer
    .start()
    .integer(Field.id, id)
    .integer(Field.status, ForwardStatus.STATUS_OK)
    .integer(Field.wireType, wireTypeOf(dtype))
    .finishWith(Field.partials, blocks, dtype); // [P, H]
}

/** Says why there are no partial sums. The message is cut after 1024 characters. */
export function encodeFailedReply(id: number, status: ForwardStatus, message: string): Buffer {
  const text = message.slice(0, MAX_MESSAGE_CHARACTERS);
  return writer.start().integer(Field.id, id).integer(Field.status, status).text(Field.message, text).finish();
}

/** @throws InvalidRequestError naming the field at which the bytes are no ForwardReply */
export function parseForwardReply(bytes: Uint8Array): ForwardReply {
  const reader = new WireReader(bytes, 'ForwardReply');
  const reply: ForwardReply = { id: 0, status: ForwardStatus.STATUS_UNSPECIFIED, message: '', wireType: 0, partials: new Uint8Array() };
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === Tag.id) reply.id = reader.integer('id', Number.MAX_SAFE_INTEGER);
    else if (tag === Tag.status) reply.status = STATUSES.get(reader.integer('status', Infinity)) ?? ForwardStatus.UNRECOGNIZED;
    else if (tag === Tag.message) reply.message = textOf(reader.blob('message'));
    else if (tag === Tag.wireType) reply.wireType = reader.integer('wire_type', Infinity);
    else if (tag === Tag.partials) reply.partials = reader.blob('partials');
    else reader.skip(tag);
  }
  return reply;
}

/**
 * Writes a reply's partial sums into the first rows of `target`.
 * @returns P
 * @throws InvalidRequestError where they are not whole rows of `hiddenSize`, or more of them than `target` holds
 */
export function readPartials(reply: ForwardReply, hiddenSize: number, target: Float32Array): number {
  const dtype = dtypeOf(reply.wireType);
  if (dtype === undefined) throw invalid('wire_type', `must be F32 (1), BF16 (2) or F16 (3), got ${reply.wireType}`);
  const rowBytes = hiddenSize * BYTES_PER_ELEMENT[dtype];
  const numPartials = reply.partials.length / rowBytes;
  const maxPartials = target.length / hiddenSize;
  if (!Number.isInteger(numPartials) || numPartials > maxPartials) {
    throw invalid('partials', `must be at most ${maxPartials} rows of ${rowBytes} bytes, got ${reply.partials.length} bytes`);
  }
  decodeToF32(dtype, reply.partials, target.subarray(0, numPartials * hiddenSize)); // [P, H]
  return numPartials;
}

/** What is longer than it may be is cut: the message of a peer is for people to read. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_MESSAGE_BYTES)).toString();
}

function invalid(field: string, problem: string): InvalidRequestError {
  return new InvalidRequestError(`ForwardReply.${field} ${problem}`, { field });
}

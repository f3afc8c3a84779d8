import { InvalidRequestError } from '@ringmesh/core';
import { BYTES_PER_ELEMENT, decodeToF32, type DType } from '@ringmesh/tensor';
import { ForwardReply, ForwardReply_Status as ForwardStatus, WireType } from './gen/ringmesh/expert/v1/expert.js';
import { appendFloats } from './wire-bytes.js';
import { dtypeOf, wireTypeOf } from './wire-dtype.js';

export { ForwardStatus };

const NO_BYTES = new Uint8Array();
const MAX_MESSAGE_CHARACTERS = 1024;

/** The partial sums [P, H] of one request, given as blocks of whole rows in the order of their shards. */
export function encodeForwardReply(id: number, blocks: readonly Float32Array[], dtype: DType): Buffer {
  const header = ForwardReply.encode({
    id,
    status: ForwardStatus.STATUS_OK,
    message: '',
    wireType: wireTypeOf(dtype),
    partials: NO_BYTES,
  }).finish();
  return appendFloats(header, blocks, dtype);
}

/** Says why there are no partial sums. The message is cut after 1024 characters. */
export function encodeFailedReply(id: number, status: ForwardStatus, message: string): Buffer {
  const text = message.slice(0, MAX_MESSAGE_CHARACTERS);
  return Buffer.from(
    ForwardReply.encode({ id, status, message: text, wireType: WireType.WIRE_TYPE_UNSPECIFIED, partials: NO_BYTES }).finish(),
  );
}

/** @throws InvalidRequestError where the bytes are no ForwardReply */
export function parseForwardReply(bytes: Uint8Array): ForwardReply {
  try {
    return ForwardReply.decode(bytes);
  } catch (cause) {
    throw new InvalidRequestError('The bytes are not a ringmesh.expert.v1.ForwardReply', { field: 'reply', cause });
  }
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

function invalid(field: string, problem: string): InvalidRequestError {
  return new InvalidRequestError(`ForwardReply.${field} ${problem}`, { field });
}

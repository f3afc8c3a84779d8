import { InvalidRequestError } from '@ringmesh/core';
import { BYTES_PER_ELEMENT, decodeToF32, type DType } from '@ringmesh/tensor';
import type { ChannelShape } from './channel-layout.js';
import type { ExpertBatch } from './expert-batch.js';
import { ForwardRequest } from './gen/ringmesh/expert/v1/expert.js';
import { appendFloats } from './wire-bytes.js';
import { dtypeOf, wireTypeOf } from './wire-dtype.js';

/** The fields of a ForwardRequest around its batch. */
export interface ForwardRequestHeader {
  id: number;
  timeoutMs: number;
  /** Of `hidden` on the wire, and of the reply's partial sums. */
  dtype: DType;
}

export interface ReceivedRequest extends ForwardRequestHeader {
  batch: ExpertBatch;
}

/** Longest deadline a request may carry. */
export const MAX_TIMEOUT_MS = 600_000;

const NO_BYTES = new Uint8Array();
const MAX_EPOCH = 2 ** 31 - 1;

export function encodeForwardRequest(batch: ExpertBatch, { id, timeoutMs, dtype }: ForwardRequestHeader): Buffer {
  const header = ForwardRequest.encode({
    id,
    timeoutMs,
    wireType: wireTypeOf(dtype),
    layer: batch.layer,
    epoch: batch.epoch,
    numTokens: batch.numTokens,
    experts: Array.from(batch.experts),
    counts: Array.from(batch.counts),
    rows: Array.from(batch.rows),
    weights: Array.from(batch.weights),
    hidden: NO_BYTES,
  }).finish();
  return appendFloats(header, [batch.hidden], dtype);
}

/** @throws InvalidRequestError where the bytes are no ForwardRequest */
export function parseForwardRequest(bytes: Uint8Array): ForwardRequest {
  try {
    return ForwardRequest.decode(bytes);
  } catch (cause) {
    throw new InvalidRequestError('The bytes are not a ringmesh.expert.v1.ForwardRequest', { field: 'request', cause });
  }
}

/**
 * Reads a request that this shape has room for. Which experts get which rows is not checked here but by whoever computes them.
 * @throws InvalidRequestError naming the field
 */
export function readForwardRequest(message: ForwardRequest, { maxTokens, hiddenSize }: ChannelShape): ReceivedRequest {
  const { id, layer, epoch, timeoutMs, numTokens } = message;
  const dtype = dtypeOf(message.wireType);
  if (dtype === undefined) throw invalid('wire_type', `must be F32 (1), BF16 (2) or F16 (3), got ${message.wireType}`);
  requireRange('timeout_ms', timeoutMs, 1, MAX_TIMEOUT_MS);
  requireRange('epoch', epoch, 0, MAX_EPOCH);
  requireRange('num_tokens', numTokens, 1, maxTokens);
  const hiddenBytes = numTokens * hiddenSize * BYTES_PER_ELEMENT[dtype];
  if (message.hidden.length !== hiddenBytes) {
    const shape = `num_tokens ${numTokens} × hidden size ${hiddenSize} in ${dtype}`;
    throw invalid('hidden', `must have ${hiddenBytes} bytes (${shape}), got ${message.hidden.length}`);
  }
  const hidden = new Float32Array(numTokens * hiddenSize);
  decodeToF32(dtype, message.hidden, hidden);
  const batch = {
    layer,
    epoch,
    numTokens,
    hidden, // [T, H]
    experts: Int32Array.from(message.experts), // [E]
    counts: Int32Array.from(message.counts), // [E]
    rows: Int32Array.from(message.rows), // [R]
    weights: Float32Array.from(message.weights), // [R]
  };
  return { id, timeoutMs, dtype, batch };
}

function requireRange(field: string, value: number, least: number, most: number): void {
  if (value < least || value > most) throw invalid(field, `must be ${least} to ${most}, got ${value}`);
}

function invalid(field: string, problem: string): InvalidRequestError {
  return new InvalidRequestError(`ForwardRequest.${field} ${problem}`, { field });
}

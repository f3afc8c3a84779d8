import { InvalidRequestError } from '@ringmesh/core';
import { BYTES_PER_ELEMENT, type DType } from '@ringmesh/tensor';
import type { ExpertBatch } from './expert-batch.js';
import { ForwardRequest } from './gen/ringmesh/expert/v1/expert.js';
import { appendFloats } from './wire-bytes.js';
import { dtypeOf, wireTypeOf } from './wire-dtype.js';
import { MAX_TIMEOUT_MS, type WireLimits } from './wire-limits.js';

/** The fields of a ForwardRequest around its batch. */
export interface ForwardRequestHeader {
  id: number;
  timeoutMs: number;
  /** Of `hidden` on the wire, and of the reply's partial sums. */
  dtype: DType;
}

/** A checked ForwardRequest. `hidden` stays as it came, so that it is converted once, straight to where it is computed on. */
export interface ReceivedRequest extends ForwardRequestHeader {
  batch: Omit<ExpertBatch, 'hidden'>;
  /** [T, H] in `dtype`, at any alignment; for `decodeToF32`. */
  hidden: Uint8Array;
}

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
 * Checks a request against the pack and our limits.
 * @throws InvalidRequestError naming the field
 */
export function checkForwardRequest(message: ForwardRequest, limits: WireLimits): ReceivedRequest {
  const { id, layer, epoch, timeoutMs, numTokens, hidden } = message;
  const dtype = dtypeOf(message.wireType);
  if (dtype === undefined) throw invalid('wire_type', `must be F32 (1), BF16 (2) or F16 (3), got ${message.wireType}`);
  requireRange('timeout_ms', timeoutMs, 1, MAX_TIMEOUT_MS);
  requireRange('layer', layer, limits.firstExpertLayer, limits.numLayers - 1);
  requireRange('epoch', epoch, 0, MAX_EPOCH);
  requireRange('num_tokens', numTokens, 1, limits.maxTokens);
  const hiddenBytes = numTokens * limits.hiddenSize * BYTES_PER_ELEMENT[dtype];
  if (hidden.length !== hiddenBytes) {
    const shape = `num_tokens ${numTokens} × hidden size ${limits.hiddenSize} in ${dtype}`;
    throw invalid('hidden', `must have ${hiddenBytes} bytes (${shape}), got ${hidden.length}`);
  }
  checkRouting(message, limits);
  const batch = {
    layer,
    epoch,
    numTokens,
    experts: Int32Array.from(message.experts), // [E]
    counts: Int32Array.from(message.counts), // [E]
    rows: Int32Array.from(message.rows), // [R]
    weights: Float32Array.from(message.weights), // [R]
  };
  return { id, timeoutMs, dtype, batch, hidden };
}

/** Which rows go to which experts: ids and rows ascending and in range, and no more of them than the gate's top-k can give. */
function checkRouting({ experts, counts, rows, weights, numTokens }: ForwardRequest, limits: WireLimits): void {
  const maxRows = numTokens * limits.expertsPerToken;
  if (experts.length === 0) throw invalid('experts', 'must name at least one expert');
  if (counts.length !== experts.length) throw invalid('counts', `must have one entry per expert (${experts.length}), got ${counts.length}`);
  if (rows.length > maxRows)
    throw invalid('rows', `must have at most num_tokens × experts_per_token = ${maxRows} entries, got ${rows.length}`);
  if (weights.length !== rows.length) throw invalid('weights', `must have one entry per row (${rows.length}), got ${weights.length}`);
  requireAscending('experts', experts, 0, experts.length, limits.numExperts);
  let end = 0;
  for (const count of counts) {
    requireRange('counts', count, 1, rows.length - end);
    requireAscending('rows', rows, end, end + count, numTokens);
    end += count;
  }
  if (end !== rows.length) throw invalid('counts', `must add up to the number of rows (${rows.length}), got ${end}`);
  for (const weight of weights) if (!Number.isFinite(weight)) throw invalid('weights', `must be finite, got ${weight}`);
}

function requireAscending(field: string, values: readonly number[], start: number, end: number, limit: number): void {
  let previous = -1;
  for (let index = start; index < end; index++) {
    const value = values[index]!;
    if (value <= previous || value >= limit) throw invalid(field, `must ascend and be below ${limit}, got ${value} after ${previous}`);
    previous = value;
  }
}

function requireRange(field: string, value: number, least: number, most: number): void {
  if (value < least || value > most) throw invalid(field, `must be ${least} to ${most}, got ${value}`);
}

function invalid(field: string, problem: string): InvalidRequestError {
  return new InvalidRequestError(`ForwardRequest.${field} ${problem}`, { field });
}

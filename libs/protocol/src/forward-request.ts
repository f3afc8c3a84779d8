import type { DType } from '@ringmesh/tensor';
import type { ExpertBatch } from './expert-batch.js';
import { wireTypeOf } from './wire-dtype.js';
import { WireWriter } from './wire-writer.js';

/** The fields of a ForwardRequest around its batch. */
export interface ForwardRequestHeader {
  id: number;
  timeoutMs: number;
  /** Of `hidden` on the wire, and of the reply's partial sums. */
  dtype: DType;
  /** W3C Trace Context of the span that the reply belongs to; empty where it is not traced. */
  traceparent: string;
}

/** Longest deadline a request may carry. */
export const MAX_TIMEOUT_MS = 600_000;

/** Field numbers of expert.proto. */
export const RequestField = {
  id: 1,
  layer: 2,
  epoch: 3,
  timeoutMs: 4,
  wireType: 5,
  numTokens: 6,
  experts: 7,
  counts: 8,
  rows: 9,
  weights: 10,
  nodes: 11,
  traceparent: 12,
  hidden: 15,
} as const;

const writer = new WireWriter();

/** A ringmesh.expert.v1.ForwardRequest, straight from the batch's arrays. */
export function encodeForwardRequest(batch: ExpertBatch, { id, timeoutMs, dtype, traceparent }: ForwardRequestHeader): Buffer {
  return writer
    .start()
    .integer(RequestField.id, id)
    .integer(RequestField.layer, batch.layer)
    .integer(RequestField.epoch, batch.epoch)
    .integer(RequestField.timeoutMs, timeoutMs)
    .integer(RequestField.wireType, wireTypeOf(dtype))
    .integer(RequestField.numTokens, batch.numTokens)
    .integers(RequestField.experts, batch.experts) // [E]
    .integers(RequestField.counts, batch.counts) // [E]
    .integers(RequestField.rows, batch.rows) // [R]
    .floats(RequestField.weights, batch.weights) // [R]
    .integers(RequestField.nodes, batch.nodes) // [N]
    .text(RequestField.traceparent, traceparent)
    .finishWith(RequestField.hidden, [batch.hidden], dtype); // [T, H]
}

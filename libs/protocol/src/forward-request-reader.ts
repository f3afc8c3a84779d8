import { BYTES_PER_ELEMENT, decodeToF32 } from '@ringmesh/tensor';
import type { ChannelShape } from './channel-layout.js';
import type { ExpertBatch } from './expert-batch.js';
import { type ForwardRequestHeader, MAX_TIMEOUT_MS, RequestField } from './forward-request.js';
import { dtypeOf } from './wire-dtype.js';
import { tagOf, WireFormat } from './wire-format.js';
import { WireList } from './wire-list.js';
import { WireReader } from './wire-reader.js';

export interface ReceivedRequest extends ForwardRequestHeader {
  /** Views into the reader's memory, valid until it reads the next request. */
  batch: ExpertBatch;
}

const Tag = {
  id: tagOf(RequestField.id, WireFormat.varint),
  layer: tagOf(RequestField.layer, WireFormat.varint),
  epoch: tagOf(RequestField.epoch, WireFormat.varint),
  timeoutMs: tagOf(RequestField.timeoutMs, WireFormat.varint),
  wireType: tagOf(RequestField.wireType, WireFormat.varint),
  numTokens: tagOf(RequestField.numTokens, WireFormat.varint),
  experts: tagOf(RequestField.experts, WireFormat.bytes),
  expert: tagOf(RequestField.experts, WireFormat.varint),
  counts: tagOf(RequestField.counts, WireFormat.bytes),
  count: tagOf(RequestField.counts, WireFormat.varint),
  rows: tagOf(RequestField.rows, WireFormat.bytes),
  row: tagOf(RequestField.rows, WireFormat.varint),
  weights: tagOf(RequestField.weights, WireFormat.bytes),
  weight: tagOf(RequestField.weights, WireFormat.fixed32),
  nodes: tagOf(RequestField.nodes, WireFormat.bytes),
  node: tagOf(RequestField.nodes, WireFormat.varint),
  traceparent: tagOf(RequestField.traceparent, WireFormat.bytes),
  hidden: tagOf(RequestField.hidden, WireFormat.bytes),
} as const;

const MAX_UINT32 = 2 ** 32 - 1;
const MAX_EPOCH = 2 ** 31 - 1;
/** Of a `traceparent` of the version that there is. */
const TRACEPARENT_BYTES = 55;
const NO_BYTES = new Uint8Array();

/** Reads ForwardRequests, one after the other, into memory of its own, which grows to the largest that came and no further than the shape. */
export class ForwardRequestReader {
  /** Of the request at hand, as soon as it was met: what cannot be read further can be answered under it. */
  id = 0;

  private hidden = new Float32Array(); // [≤ maxTokens, H]
  private readonly experts: WireList<Int32Array>; // [numExperts]
  private readonly counts: WireList<Int32Array>; // [numExperts]
  private readonly rows: WireList<Int32Array>; // [maxTokens × k]
  private readonly weights: WireList<Float32Array>; // [maxTokens × k]
  private readonly nodes: WireList<Int32Array>; // [numShards]

  constructor(private readonly shape: ChannelShape) {
    const maxRows = shape.maxTokens * shape.expertsPerToken;
    this.experts = new WireList(new Int32Array(shape.numExperts));
    this.counts = new WireList(new Int32Array(shape.numExperts));
    this.rows = new WireList(new Int32Array(maxRows));
    this.weights = new WireList(new Float32Array(maxRows));
    this.nodes = new WireList(new Int32Array(shape.numShards));
  }

  /**
   * Reads a request that the shape has room for. Which experts get which rows is not checked here but by whoever computes them.
   * @throws InvalidRequestError naming the field
   */
  read(bytes: Uint8Array): ReceivedRequest {
    const reader = new WireReader(bytes, 'ForwardRequest');
    const { layer, epoch, timeoutMs, wireType, numTokens, traceparent, hidden } = this.readFields(reader);
    if (timeoutMs < 1) throw reader.invalid('timeout_ms', `must be 1 to ${MAX_TIMEOUT_MS}, got ${timeoutMs}`);
    if (numTokens < 1) throw reader.invalid('num_tokens', `must be 1 to ${this.shape.maxTokens}, got ${numTokens}`);
    const dtype = dtypeOf(wireType);
    if (dtype === undefined) throw reader.invalid('wire_type', `must be F32 (1), BF16 (2) or F16 (3), got ${wireType}`);
    const numHidden = numTokens * this.shape.hiddenSize;
    const hiddenBytes = numHidden * BYTES_PER_ELEMENT[dtype];
    if (hidden.length !== hiddenBytes) {
      const shape = `num_tokens ${numTokens} × hidden size ${this.shape.hiddenSize} in ${dtype}`;
      throw reader.invalid('hidden', `must have ${hiddenBytes} bytes (${shape}), got ${hidden.length}`);
    }
    if (this.hidden.length < numHidden) this.hidden = new Float32Array(numHidden);
    const batch = {
      layer,
      epoch,
      numTokens,
      hidden: this.hidden.subarray(0, numHidden), // [T, H]
      experts: this.experts.values, // [E]
      counts: this.counts.values, // [E]
      rows: this.rows.values, // [R]
      weights: this.weights.values, // [R]
      nodes: this.nodes.values, // [N]
    };
    decodeToF32(dtype, hidden, batch.hidden);
    return { id: this.id, timeoutMs, dtype, traceparent, batch };
  }

  /** The fields that are not lists; zero where they are left out, as proto3 has it, and the last one where one comes twice. */
  private readFields(reader: WireReader) {
    const fields = { layer: 0, epoch: 0, timeoutMs: 0, wireType: 0, numTokens: 0, traceparent: '', hidden: NO_BYTES as Uint8Array };
    this.id = 0;
    for (const list of [this.experts, this.counts, this.rows, this.weights, this.nodes]) list.length = 0;
    for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
      if (tag === Tag.id) this.id = reader.integer('id', Number.MAX_SAFE_INTEGER);
      else if (tag === Tag.layer) fields.layer = reader.integer('layer', MAX_UINT32);
      else if (tag === Tag.epoch) fields.epoch = reader.integer('epoch', MAX_EPOCH);
      else if (tag === Tag.timeoutMs) fields.timeoutMs = reader.integer('timeout_ms', MAX_TIMEOUT_MS);
      else if (tag === Tag.wireType) fields.wireType = reader.integer('wire_type', Infinity);
      else if (tag === Tag.numTokens) fields.numTokens = reader.integer('num_tokens', this.shape.maxTokens);
      else if (tag === Tag.traceparent) fields.traceparent = traceparentOf(reader.blob('traceparent'));
      else if (tag === Tag.hidden) fields.hidden = reader.blob('hidden');
      else if (!this.readList(reader, tag)) reader.skip(tag);
    }
    return fields;
  }

  /** Lists come packed, or an entry at a time, or in several parts. @returns false where the field is none */
  private readList(reader: WireReader, tag: number): boolean {
    if (tag === Tag.experts) reader.appendIntegers('experts', this.experts);
    else if (tag === Tag.expert) reader.appendInteger('experts', this.experts);
    else if (tag === Tag.counts) reader.appendIntegers('counts', this.counts);
    else if (tag === Tag.count) reader.appendInteger('counts', this.counts);
    else if (tag === Tag.rows) reader.appendIntegers('rows', this.rows);
    else if (tag === Tag.row) reader.appendInteger('rows', this.rows);
    else if (tag === Tag.weights) reader.appendFloats('weights', this.weights);
    else if (tag === Tag.weight) reader.appendFloat('weights', this.weights);
    else if (tag === Tag.nodes) reader.appendIntegers('nodes', this.nodes);
    else if (tag === Tag.node) reader.appendInteger('nodes', this.nodes);
    else return false;
    return true;
  }
}

/** What cannot be one is none: a trace is nothing to refuse a request for. */
function traceparentOf(bytes: Uint8Array): string {
  return bytes.length === TRACEPARENT_BYTES ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1') : '';
}

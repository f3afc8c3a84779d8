import { monotonicSeconds } from '@ringmesh/core';
import { type ChannelShape, channelSections, MAX_MESSAGE_BYTES } from './channel-layout.js';
import { Doorbell } from './doorbell.js';
import type { ExpertBatch } from './expert-batch.js';

export type { ChannelShape } from './channel-layout.js';

/** What crosses to another thread (by `workerData` or `postMessage`): shared memory is shared, not copied. */
export interface ChannelBuffers {
  shape: ChannelShape;
  memory: SharedArrayBuffer;
  /** Rung when a request is there. One bell may serve all channels of a server. */
  serverBell: SharedArrayBuffer;
  /** Rung when an answer is there. One bell may serve all channels of a client. */
  clientBell: SharedArrayBuffer;
}

/** What {@link ExpertChannel.request} says of the arrays that the client has filled. */
export interface RequestHeader {
  layer: number;
  epoch: number;
  /** T: rows written into `hidden`. */
  numTokens: number;
  /** Entries written into `experts` and `counts`. */
  numExperts: number;
  /** R: entries written into `rows` and `weights`. */
  numRows: number;
  /** N: entries written into `nodes`. */
  numNodes: number;
}

const State = { idle: 0, requested: 1, serving: 2, replied: 3, failed: 4 } as const;
const Field = {
  state: 0,
  closed: 1,
  layer: 2,
  epoch: 3,
  numTokens: 4,
  numExperts: 5,
  numRows: 6,
  numPartials: 7,
  messageBytes: 8,
  numNodes: 9,
} as const;

/**
 * One exchange at a time between the engine's thread (the client) and whoever serves a set of shards (the server): a compute thread of
 * this process, or the thread that speaks gRPC with a worker. Everything lies in shared memory; a bell on each side replaces messages, so
 * that a client may wait without an event loop.
 */
export class ExpertChannel {
  private readonly control: Int32Array<SharedArrayBuffer>;
  private readonly times: Float64Array; // [requested at, answered at], seconds
  private readonly message: Uint8Array;
  private readonly serverBell: Doorbell;
  private readonly clientBell: Doorbell;

  /** Trace id and span id of whom the request is for, all zero where it is not traced; the client sets it while the channel is idle. */
  readonly trace: Uint32Array; // [6]
  /** The client fills these while the channel is idle, then calls {@link request}; see {@link ExpertBatch}. */
  readonly hidden: Float32Array; // [maxTokens, H]
  readonly experts: Int32Array; // [numExperts]
  readonly counts: Int32Array; // [numExperts]
  readonly rows: Int32Array; // [maxTokens × expertsPerToken]
  readonly weights: Float32Array; // [maxTokens × expertsPerToken]
  readonly nodes: Int32Array; // [numShards]
  /** The server writes its partial sums here, then calls {@link reply}. */
  readonly partials: Float32Array; // [maxTokens × min(expertsPerToken, numShards), H]

  constructor(readonly buffers: ChannelBuffers) {
    const { memory, shape } = buffers;
    const at = channelSections(shape);
    this.control = new Int32Array(memory, at.control.start, at.control.words);
    this.times = new Float64Array(memory, at.times.start, at.times.words / 2);
    this.trace = new Uint32Array(memory, at.trace.start, at.trace.words);
    this.message = new Uint8Array(memory, at.message.start, MAX_MESSAGE_BYTES);
    this.experts = new Int32Array(memory, at.experts.start, at.experts.words);
    this.counts = new Int32Array(memory, at.counts.start, at.counts.words);
    this.rows = new Int32Array(memory, at.rows.start, at.rows.words);
    this.weights = new Float32Array(memory, at.weights.start, at.weights.words);
    this.nodes = new Int32Array(memory, at.nodes.start, at.nodes.words);
    this.hidden = new Float32Array(memory, at.hidden.start, at.hidden.words);
    this.partials = new Float32Array(memory, at.partials.start, at.partials.words);
    this.serverBell = new Doorbell(buffers.serverBell);
    this.clientBell = new Doorbell(buffers.clientBell);
  }

  /** Allocates a channel between two bells. Pages are taken only once they are written. */
  static create(shape: ChannelShape, serverBell: Doorbell, clientBell: Doorbell): ExpertChannel {
    const memory = new SharedArrayBuffer(channelSections(shape).totalBytes);
    return new ExpertChannel({ shape, memory, serverBell: serverBell.buffer, clientBell: clientBell.buffer });
  }

  // ── Client ──

  /** Sends the batch that was written into the arrays above. The channel must be idle. */
  request(header: RequestHeader): void {
    this.control[Field.layer] = header.layer;
    this.control[Field.epoch] = header.epoch;
    this.control[Field.numTokens] = header.numTokens;
    this.control[Field.numExperts] = header.numExperts;
    this.control[Field.numRows] = header.numRows;
    this.control[Field.numNodes] = header.numNodes;
    this.times[0] = monotonicSeconds();
    Atomics.store(this.control, Field.state, State.requested);
    this.serverBell.ring();
    if (this.isClosed) this.failPending();
  }

  get isIdle(): boolean {
    return this.state === State.idle;
  }

  /** Whether a reply or a failure is there to be taken. */
  get isAnswered(): boolean {
    return this.state === State.replied || this.state === State.failed;
  }

  /** The reply's partial sums [P, H], valid until the next request, or the failure's message. Frees the channel. */
  takeAnswer(): { partials: Float32Array } | { failure: string } {
    const failed = this.state === State.failed;
    // TextDecoder does not read shared memory, hence the slice.
    const answer = failed
      ? { failure: new TextDecoder().decode(this.message.slice(0, this.control[Field.messageBytes])) }
      : { partials: this.partials.subarray(0, this.control[Field.numPartials]! * this.buffers.shape.hiddenSize) }; // [P, H]
    Atomics.store(this.control, Field.state, State.idle);
    return answer;
  }

  /** When the last request was sent, by `monotonicSeconds`. */
  get requestedAt(): number {
    return this.times[0]!;
  }

  /** When it was answered, as the server set it: how late the client looked does not count. */
  get answeredAt(): number {
    return this.times[1]!;
  }

  /** Seconds from the last request to its answer. */
  get exchangeSeconds(): number {
    return this.answeredAt - this.requestedAt;
  }

  // ── Server ──

  /** The waiting request as views into shared memory, valid until it is answered; null where there is none or it was taken already. */
  takeRequest(): ExpertBatch | null {
    if (!this.moveState(State.requested, State.serving)) return null;
    const numTokens = this.control[Field.numTokens]!;
    const numExperts = this.control[Field.numExperts]!;
    const numRows = this.control[Field.numRows]!;
    return {
      layer: this.control[Field.layer]!,
      epoch: this.control[Field.epoch]!,
      numTokens,
      hidden: this.hidden.subarray(0, numTokens * this.buffers.shape.hiddenSize), // [T, H]
      experts: this.experts.subarray(0, numExperts), // [E]
      counts: this.counts.subarray(0, numExperts), // [E]
      rows: this.rows.subarray(0, numRows), // [R]
      weights: this.weights.subarray(0, numRows), // [R]
      nodes: this.nodes.subarray(0, this.control[Field.numNodes]), // [N]
    };
  }

  /** Answers with the first `numPartials` rows of {@link partials}. */
  reply(numPartials: number): void {
    this.control[Field.numPartials] = numPartials;
    this.answer(State.serving, State.replied);
  }

  /** Answers that the batch could not be computed. The message is cut after 1024 bytes. */
  fail(message: string): void {
    this.writeMessage(message);
    this.answer(State.serving, State.failed);
  }

  /** Says that nobody serves this channel any more: what is pending, and every later request, fails with `message`. The first call counts. */
  close(message: string): void {
    if (this.isClosed) return;
    this.writeMessage(message);
    Atomics.store(this.control, Field.closed, 1);
    this.failPending();
    this.serverBell.ring();
  }

  get isClosed(): boolean {
    return Atomics.load(this.control, Field.closed) === 1;
  }

  private failPending(): void {
    this.answer(State.requested, State.failed);
    this.answer(State.serving, State.failed);
  }

  /** A late answer to a request that was failed by {@link close} meanwhile is dropped. */
  private answer(from: number, to: number): void {
    this.times[1] = monotonicSeconds();
    if (this.moveState(from, to)) this.clientBell.ring();
  }

  private writeMessage(message: string): void {
    const { written } = new TextEncoder().encodeInto(message, this.message);
    this.control[Field.messageBytes] = written;
  }

  private get state(): number {
    return Atomics.load(this.control, Field.state);
  }

  private moveState(from: number, to: number): boolean {
    return Atomics.compareExchange(this.control, Field.state, from, to) === from;
  }
}

import { Doorbell } from './doorbell.js';
import type { ExpertBatch } from './expert-batch.js';

/** The largest exchange a channel must hold. */
export interface ChannelShape {
  /** H */
  hiddenSize: number;
  /** T: rows of one micro-batch at most. */
  maxTokens: number;
  /** Experts of one layer. */
  numExperts: number;
  /** k of the gate's top-k. */
  expertsPerToken: number;
  numShards: number;
}

/** What crosses to another thread (by `workerData` or `postMessage`): shared memory is shared, not copied. */
export interface ChannelBuffers {
  shape: ChannelShape;
  memory: SharedArrayBuffer;
  /** Rung when a request is there. One bell may serve all channels of a server. */
  serverBell: SharedArrayBuffer;
  /** Rung when a reply is there. One bell may serve all channels of a client. */
  clientBell: SharedArrayBuffer;
}

const State = { idle: 0, requested: 1, serving: 2, replied: 3, failed: 4 } as const;
const Field = {
  state: 0,
  layer: 1,
  epoch: 2,
  numTokens: 3,
  numExperts: 4,
  numRows: 5,
  numPartials: 6,
  messageBytes: 7,
  length: 8,
} as const;
const MAX_MESSAGE_BYTES = 1024;

/**
 * One exchange at a time between the engine's thread (the client) and whoever serves a set of shards (the server): a compute thread of
 * this process, or the thread that speaks gRPC with a worker. Everything lies in shared memory; a bell on each side replaces messages, so
 * that a client may wait without an event loop (a wake-up costs about 25 µs).
 */
export class ExpertChannel {
  private readonly control: Int32Array<SharedArrayBuffer>;
  private readonly message: Uint8Array;
  private readonly experts: Int32Array; // [numExperts]
  private readonly counts: Int32Array; // [numExperts]
  private readonly rows: Int32Array; // [maxTokens × expertsPerToken]
  private readonly weights: Float32Array; // [maxTokens × expertsPerToken]
  private readonly partialSums: Float32Array; // [maxTokens × min(expertsPerToken, numShards), H]
  private readonly serverBell: Doorbell;
  private readonly clientBell: Doorbell;
  /** The client writes the rows it sends here, then calls {@link request}. */
  readonly hidden: Float32Array; // [maxTokens, H]

  constructor(readonly buffers: ChannelBuffers) {
    const { shape, memory } = buffers;
    const maxRows = shape.maxTokens * shape.expertsPerToken;
    let offset = 0;
    const take = (bytes: number): number => {
      const start = offset;
      offset += Math.ceil(bytes / 64) * 64;
      return start;
    };
    this.control = new Int32Array(memory, take(Field.length * 4), Field.length);
    this.message = new Uint8Array(memory, take(MAX_MESSAGE_BYTES), MAX_MESSAGE_BYTES);
    this.experts = new Int32Array(memory, take(shape.numExperts * 4), shape.numExperts);
    this.counts = new Int32Array(memory, take(shape.numExperts * 4), shape.numExperts);
    this.rows = new Int32Array(memory, take(maxRows * 4), maxRows);
    this.weights = new Float32Array(memory, take(maxRows * 4), maxRows);
    this.hidden = new Float32Array(memory, take(shape.maxTokens * shape.hiddenSize * 4), shape.maxTokens * shape.hiddenSize);
    const maxPartials = maxPartialRows(shape) * shape.hiddenSize;
    this.partialSums = new Float32Array(memory, take(maxPartials * 4), maxPartials);
    this.serverBell = new Doorbell(buffers.serverBell);
    this.clientBell = new Doorbell(buffers.clientBell);
  }

  /** Allocates a channel between two bells. Pages are taken only once they are written. */
  static create(shape: ChannelShape, serverBell: Doorbell, clientBell: Doorbell): ExpertChannel {
    const maxRows = shape.maxTokens * shape.expertsPerToken;
    const floats = 2 * shape.numExperts + 2 * maxRows + (shape.maxTokens + maxPartialRows(shape)) * shape.hiddenSize;
    const memory = new SharedArrayBuffer(floats * 4 + MAX_MESSAGE_BYTES + 16 * 64);
    return new ExpertChannel({ shape, memory, serverBell: serverBell.buffer, clientBell: clientBell.buffer });
  }

  // ── Client ──

  /** Sends a batch whose `hidden` rows were already written into {@link hidden}. The channel must be idle. */
  request(batch: Omit<ExpertBatch, 'hidden'>): void {
    this.experts.set(batch.experts);
    this.counts.set(batch.counts);
    this.rows.set(batch.rows);
    this.weights.set(batch.weights);
    this.control[Field.layer] = batch.layer;
    this.control[Field.epoch] = batch.epoch;
    this.control[Field.numTokens] = batch.numTokens;
    this.control[Field.numExperts] = batch.experts.length;
    this.control[Field.numRows] = batch.rows.length;
    this.setState(State.requested);
    this.serverBell.ring();
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
    this.setState(State.idle);
    if (failed) {
      // TextDecoder does not read shared memory.
      return { failure: new TextDecoder().decode(this.message.slice(0, this.control[Field.messageBytes])) };
    }
    return { partials: this.partialSums.subarray(0, this.control[Field.numPartials]! * this.buffers.shape.hiddenSize) };
  }

  // ── Server ──

  /** The waiting request as views into shared memory, valid until it is answered; null where there is none or it was taken already. */
  takeRequest(): ExpertBatch | null {
    if (Atomics.compareExchange(this.control, Field.state, State.requested, State.serving) !== State.requested) return null;
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
    };
  }

  /** Where the server writes the partial sums before {@link reply}. */
  partials(numPartials: number): Float32Array {
    return this.partialSums.subarray(0, numPartials * this.buffers.shape.hiddenSize); // [P, H]
  }

  reply(numPartials: number): void {
    this.control[Field.numPartials] = numPartials;
    this.answer(State.replied);
  }

  fail(message: string): void {
    const bytes = new TextEncoder().encode(message).subarray(0, MAX_MESSAGE_BYTES);
    this.message.set(bytes);
    this.control[Field.messageBytes] = bytes.length;
    this.answer(State.failed);
  }

  private answer(state: number): void {
    this.setState(state);
    this.clientBell.ring();
  }

  private get state(): number {
    return Atomics.load(this.control, Field.state);
  }

  private setState(state: number): void {
    Atomics.store(this.control, Field.state, state);
  }
}

/** P at most: each row has one partial sum for each shard that one of its k experts lies in. */
function maxPartialRows(shape: ChannelShape): number {
  return shape.maxTokens * Math.min(shape.expertsPerToken, shape.numShards);
}

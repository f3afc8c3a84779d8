import { Doorbell } from '@ringmesh/protocol';

/** What a compute thread is asked to do of a micro-batch. */
export interface Job {
  kind: JobKind;
  /** The micro-batch, whose plan was sent before. */
  batch: number;
  layer: number;
  /** Parts to compute, a bit each. */
  parts: number;
  /** Rows: T, or N for logits. */
  numRows: number;
}

/** `attention`: all that a part's heads add to the residual stream. `mlp`: the shared experts or a dense MLP. `logits`: norm and lm_head. */
export const JOB_KINDS = ['attention', 'mlp', 'logits'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

export interface JobChannelBuffers {
  memory: SharedArrayBuffer;
  /** Rung for the thread that does the jobs. */
  workerBell: SharedArrayBuffer;
  /** Rung for the one that gives them. */
  leaderBell: SharedArrayBuffer;
}

const State = { idle: 0, posted: 1, working: 2, done: 3, failed: 4 } as const;
const Field = { state: 0, kind: 1, batch: 2, layer: 3, parts: 4, numRows: 5, messageBytes: 6 } as const;
const NUM_FIELDS = Object.keys(Field).length;

const MAX_MESSAGE_BYTES = 1024;

/** Jobs from the engine's thread to one compute thread, one at a time, in shared memory: handing one over costs microseconds. */
export class JobChannel {
  private readonly control: Int32Array;
  private readonly message: Uint8Array;
  private readonly workerBell: Doorbell;
  private readonly leaderBell: Doorbell;

  constructor(readonly buffers: JobChannelBuffers) {
    this.control = new Int32Array(buffers.memory, 0, NUM_FIELDS);
    this.message = new Uint8Array(buffers.memory, NUM_FIELDS * 4, MAX_MESSAGE_BYTES);
    this.workerBell = new Doorbell(buffers.workerBell);
    this.leaderBell = new Doorbell(buffers.leaderBell);
  }

  static create(workerBell: Doorbell, leaderBell: Doorbell): JobChannelBuffers {
    const memory = new SharedArrayBuffer(NUM_FIELDS * 4 + MAX_MESSAGE_BYTES);
    return { memory, workerBell: workerBell.buffer, leaderBell: leaderBell.buffer };
  }

  // ── The engine's thread ──

  /** Hands a job over. The channel must be idle. */
  post({ kind, batch, layer, parts, numRows }: Job): void {
    this.control[Field.kind] = JOB_KINDS.indexOf(kind);
    this.control[Field.batch] = batch;
    this.control[Field.layer] = layer;
    this.control[Field.parts] = parts;
    this.control[Field.numRows] = numRows;
    this.setState(State.posted);
    this.workerBell.ring();
  }

  get isIdle(): boolean {
    return this.state === State.idle;
  }

  /** Whether the job is done, or failed. */
  get isSettled(): boolean {
    return this.state === State.done || this.state === State.failed;
  }

  /** Frees the channel. @returns why the job failed, or null */
  takeFailure(): string | null {
    const failed = this.state === State.failed;
    // TextDecoder does not read shared memory, hence the slice.
    const failure = failed ? new TextDecoder().decode(this.message.slice(0, this.control[Field.messageBytes])) : null;
    this.setState(State.idle);
    return failure;
  }

  // ── The compute thread ──

  /** The job that waits, null where there is none. */
  take(): Job | null {
    if (this.state !== State.posted) return null;
    this.setState(State.working);
    return {
      kind: JOB_KINDS[this.control[Field.kind]!]!,
      batch: this.control[Field.batch]!,
      layer: this.control[Field.layer]!,
      parts: this.control[Field.parts]!,
      numRows: this.control[Field.numRows]!,
    };
  }

  finish(): void {
    this.setState(State.done);
    this.leaderBell.ring();
  }

  /** The message is cut after 1024 bytes. */
  fail(message: string): void {
    this.control[Field.messageBytes] = new TextEncoder().encodeInto(message, this.message).written;
    this.setState(State.failed);
    this.leaderBell.ring();
  }

  private get state(): number {
    return Atomics.load(this.control, Field.state);
  }

  private setState(state: number): void {
    Atomics.store(this.control, Field.state, state);
  }
}

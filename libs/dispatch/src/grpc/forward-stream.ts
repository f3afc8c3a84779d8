import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { traceparentText } from '@ringmesh/core';
import {
  encodeForwardRequest,
  type ExpertBatch,
  type ExpertChannel,
  ForwardStatus,
  parseForwardReply,
  readPartials,
} from '@ringmesh/protocol';
import type { DType } from '@ringmesh/tensor';
import { describeServiceError } from './service-error.js';

export interface ForwardStreamOptions {
  /** Of hidden states and partial sums on the wire. */
  dtype: DType;
  /** How long a request may take. */
  timeoutMs: number;
  /** The stream has ended, or the worker drains or lacks a shard: what we know of it is out of date. */
  onStale: () => void;
}

interface Pending {
  channel: ExpertChannel;
  /** `performance.now()` */
  deadline: number;
}

const STALE = new Set([ForwardStatus.STATUS_DRAINING, ForwardStatus.STATUS_SHARD_NOT_HOSTED]);

/** One open Forward stream: sends the requests of channels and answers them. What is in flight when it ends fails at once. */
export class ForwardStream {
  /** Why the stream has ended, null while it is open. */
  endCause: string | null = null;
  /** By id, and so by deadline: all requests have the same time. */
  private readonly pending = new Map<number, Pending>();
  /** Runs while requests are pending, and to the deadline of one that may be answered by then: a timer for each would cost more than it does. */
  private timer: NodeJS.Timeout | null = null;
  private nextId = 1;

  constructor(
    private readonly call: ClientDuplexStream<Buffer, Buffer>,
    private readonly options: ForwardStreamOptions,
  ) {
    call.on('data', (bytes: Buffer) => this.receive(bytes));
    call.on('error', (error: ServiceError) => this.close(describeServiceError(error)));
    call.on('end', () => this.close('it ended the stream'));
  }

  /** Sends the batch that was taken from `channel`, which is answered in any case, at the latest when the time is up. */
  send(channel: ExpertChannel, batch: ExpertBatch): void {
    const { timeoutMs, dtype } = this.options;
    if (this.endCause !== null) {
      channel.fail(this.endCause);
      return;
    }
    const id = this.nextId++;
    this.pending.set(id, { channel, deadline: performance.now() + timeoutMs });
    this.timer ??= setTimeout(() => this.failOverdue(), timeoutMs);
    this.call.write(encodeForwardRequest(batch, { id, timeoutMs, dtype, traceparent: traceparentText(channel.trace) }));
  }

  /** Ends the stream and fails what is in flight. */
  close(cause: string): void {
    if (this.endCause !== null) return;
    this.endCause = cause;
    if (this.timer !== null) clearTimeout(this.timer);
    for (const id of this.pending.keys()) this.failPending(id, cause);
    this.call.cancel();
    this.options.onStale();
  }

  private receive(bytes: Buffer): void {
    try {
      const reply = parseForwardReply(bytes);
      const channel = this.pending.get(reply.id)?.channel;
      // A reply that comes after its request was given up: the channel may carry another one by now.
      if (channel === undefined) return;
      if (reply.status === ForwardStatus.STATUS_OK) {
        const numPartials = readPartials(reply, channel.buffers.shape.hiddenSize, channel.partials);
        this.pending.delete(reply.id);
        channel.reply(numPartials);
      } else {
        this.failPending(reply.id, `${ForwardStatus[reply.status]}: ${reply.message}`);
        if (STALE.has(reply.status)) this.options.onStale();
      }
    } catch (error) {
      this.close(String(error));
    }
  }

  private failOverdue(): void {
    this.timer = null;
    const now = performance.now();
    for (const [id, { deadline }] of this.pending) {
      if (deadline > now) {
        this.timer = setTimeout(() => this.failOverdue(), deadline - now);
        return;
      }
      this.failPending(id, `no answer within ${this.options.timeoutMs} ms`);
    }
  }

  private failPending(id: number, cause: string): void {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    pending?.channel.fail(cause);
  }
}

import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
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
  timer: NodeJS.Timeout;
}

const STALE = new Set([ForwardStatus.STATUS_DRAINING, ForwardStatus.STATUS_SHARD_NOT_HOSTED]);

/** One open Forward stream: sends the requests of channels and answers them. What is in flight when it ends fails at once. */
export class ForwardStream {
  /** Why the stream has ended, null while it is open. */
  endCause: string | null = null;
  private readonly pending = new Map<number, Pending>();
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
    const timer = setTimeout(() => this.failPending(id, `no answer within ${timeoutMs} ms`), timeoutMs);
    this.pending.set(id, { channel, timer });
    this.call.write(encodeForwardRequest(batch, { id, timeoutMs, dtype }));
  }

  /** Ends the stream and fails what is in flight. */
  close(cause: string): void {
    if (this.endCause !== null) return;
    this.endCause = cause;
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
        this.forget(reply.id);
        channel.reply(numPartials);
      } else {
        this.failPending(reply.id, `${ForwardStatus[reply.status]}: ${reply.message}`);
        if (STALE.has(reply.status)) this.options.onStale();
      }
    } catch (error) {
      this.close(String(error));
    }
  }

  private failPending(id: number, cause: string): void {
    const pending = this.pending.get(id);
    this.forget(id);
    pending?.channel.fail(cause);
  }

  private forget(id: number): void {
    clearTimeout(this.pending.get(id)?.timer);
    this.pending.delete(id);
  }
}

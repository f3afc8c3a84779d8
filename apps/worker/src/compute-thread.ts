import type { PooledHost } from '@ringmesh/experts';
import type { BatchSplitter } from '@ringmesh/placement';
import { type ExpertBatch, ExpertChannel, ForwardStatus } from '@ringmesh/protocol';
import { ForwardError } from './forward-error.js';

/** One batch, and until when it is worth computing. */
export interface ForwardJob {
  batch: ExpertBatch;
  /** `performance.now()` */
  deadline: number;
  /** Whether the router that asked is still there. */
  isWanted: () => boolean;
}

/** What one thread computed of a batch. */
export interface ThreadAnswer {
  /** Of the thread's shards with rows, ascending; valid until {@link release}. */
  partials: Float32Array; // [P, H]
  queueSeconds: number;
  computeSeconds: number;
  /** By `monotonicSeconds`. */
  computedAt: { from: number; to: number };
  /** Frees the memory that the partial sums lie in, for the next batch. */
  release: () => void;
}

interface Waiting {
  job: ForwardJob;
  /** 1 for the shards to compute. */
  wanted: Uint8Array; // [S]
  enqueuedAt: number;
  resolve: (answer: ThreadAnswer) => void;
  reject: (error: ForwardError) => void;
}

interface Computing extends Waiting {
  channel: ExpertChannel;
  startedAt: number;
}

/** One compute thread and the batches that wait for it, first come first served. */
export class ComputeThread {
  readonly shards: number[];
  private readonly idle: ExpertChannel[];
  private readonly queue: Waiting[] = [];
  private computing: Computing[] = [];
  private queuedTokens = 0;

  constructor(
    host: PooledHost,
    private readonly splitter: BatchSplitter,
    private readonly maxQueuedTokens: number,
  ) {
    this.shards = host.shards;
    this.idle = host.channels.map((buffers) => new ExpertChannel(buffers));
  }

  /**
   * Computes a batch's part for some of this thread's shards, at least one of which has rows.
   * @throws ForwardError
   */
  compute(job: ForwardJob, wanted: Uint8Array): Promise<ThreadAnswer> {
    const { numTokens } = job.batch;
    if (this.queuedTokens + numTokens > this.maxQueuedTokens) {
      const queued = `${this.queuedTokens} tokens wait for shard ${this.shards.join(', ')}`;
      throw new ForwardError(ForwardStatus.STATUS_FAILED, `overloaded: ${queued}, and ${this.maxQueuedTokens} may`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<ThreadAnswer>();
    this.queuedTokens += numTokens;
    this.queue.push({ job, wanted, enqueuedAt: performance.now(), resolve, reject });
    this.startNext();
    return promise;
  }

  /** Hands out the answers that have come. */
  collectAnswers(): void {
    // Each is looked at once: a thread may answer at any moment, also between two looks.
    const answered = new Set(this.computing.filter(({ channel }) => channel.isAnswered));
    this.computing = this.computing.filter((each) => !answered.has(each));
    for (const each of answered) this.settle(each);
    this.startNext();
  }

  private settle({ channel, enqueuedAt, startedAt, resolve, reject }: Computing): void {
    const release = (): void => {
      this.idle.push(channel);
      this.startNext();
    };
    const answer = channel.takeAnswer();
    if ('failure' in answer) {
      release();
      reject(new ForwardError(ForwardStatus.STATUS_FAILED, answer.failure));
      return;
    }
    const queueSeconds = (startedAt - enqueuedAt) / 1000;
    const computedAt = { from: channel.requestedAt, to: channel.answeredAt };
    resolve({ partials: answer.partials, queueSeconds, computeSeconds: channel.exchangeSeconds, computedAt, release });
  }

  private startNext(): void {
    while (this.idle.length > 0 && this.queue.length > 0) {
      const next = this.queue.shift()!;
      const { job, wanted, enqueuedAt, reject } = next;
      this.queuedTokens -= job.batch.numTokens;
      const now = performance.now();
      if (!job.isWanted() || now > job.deadline) {
        const waited = `it waited ${Math.round(now - enqueuedAt)} ms for shard ${this.shards.join(', ')}`;
        reject(new ForwardError(ForwardStatus.STATUS_DEADLINE_EXCEEDED, `${waited} and was not begun`));
        continue;
      }
      const channel = this.idle.pop()!;
      this.splitter.request(channel, job.batch, wanted);
      this.computing.push({ ...next, channel, startedAt: now });
    }
  }
}

import { EngineFailedError, errorFromMessage, type RingmeshError } from '@ringmesh/core';
import type { ExpertChannel } from '@ringmesh/protocol';
import { type Transferable, Worker } from 'node:worker_threads';
import type { ExpertThreadMessage } from './expert-thread.js';

export interface ExpertThreadEvents {
  /** One more session is open. */
  onProgress: () => void;
  /** The thread ended though it was ready and nobody closed it. */
  onFailure: (error: RingmeshError) => void;
}

/** What runs on a compute thread: its script tells of itself in {@link ExpertThreadMessage}s, and ends when its channels are closed. */
export interface ThreadStart {
  script: URL;
  workerData: unknown;
  transferList?: Transferable[];
}

/** A compute thread as its parent sees it. Its channels are closed when it ends, so that nobody waits for it. */
export class ExpertThreadHandle {
  /** Resolves when the thread serves its channels, rejects if it ends before. */
  readonly ready: Promise<void>;
  private readonly worker: Worker;
  private readonly ended: Promise<void>;
  private failure: RingmeshError | null = null;
  private isReady = false;
  private isClosing = false;

  constructor(
    private readonly name: string,
    private readonly channels: ExpertChannel[],
    private readonly events: ExpertThreadEvents,
    { script, workerData, transferList }: ThreadStart,
  ) {
    this.worker = new Worker(script, { workerData, name, ...(transferList === undefined ? {} : { transferList }) });
    const ready: PromiseWithResolvers<void> = Promise.withResolvers();
    const ended: PromiseWithResolvers<void> = Promise.withResolvers();
    this.ready = ready.promise;
    this.ended = ended.promise;
    this.worker.on('message', (message: ExpertThreadMessage) => {
      if (message.type === 'progress') events.onProgress();
      else if (message.type === 'failed')
        this.failure = errorFromMessage({ ...message.error, message: `${this.name}: ${message.error.message}` });
      else {
        this.isReady = true;
        ready.resolve();
      }
    });
    this.worker.on('error', (cause) => (this.failure = new EngineFailedError(`${this.name} failed: ${String(cause)}`, { cause })));
    this.worker.on('exit', (code) => {
      const error = this.failure ?? new EngineFailedError(`${this.name} ended with code ${code}`);
      ready.reject(error);
      this.onEnd(error);
      ended.resolve();
    });
  }

  /**
   * Stops the thread: after the request at hand, or, while it still opens sessions, after the one at hand. Closed channels tell it; it is
   * never terminated, because ONNX Runtime's binding aborts the whole process when its thread is terminated inside a call.
   */
  close(): Promise<void> {
    this.isClosing = true;
    this.closeChannels(`${this.name} was closed`);
    return this.ended;
  }

  private onEnd(error: RingmeshError): void {
    this.closeChannels(error.message);
    if (this.isReady && !this.isClosing) this.events.onFailure(error);
  }

  private closeChannels(message: string): void {
    for (const channel of this.channels) channel.close(message);
  }
}

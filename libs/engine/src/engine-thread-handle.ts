import { Worker } from 'node:worker_threads';
import { EngineFailedError, errorFromMessage, type RingmeshError } from '@ringmesh/core';
import { Doorbell } from '@ringmesh/protocol';
import type { EngineFailure, EngineThreadData, MessageFromEngine, MessageToEngine } from './engine-messages.js';

export interface EngineThreadEvents {
  onMessage: (message: MessageFromEngine) => void;
  /** The thread ended though nobody closed it. */
  onFailure: (error: RingmeshError) => void;
}

/** The engine's thread as the main thread sees it. */
export class EngineThreadHandle {
  private readonly worker: Worker;
  private readonly inboxBell = new Doorbell();
  private readonly ended: Promise<void>;
  private failure: RingmeshError | null = null;
  private isClosing = false;

  constructor(
    options: Omit<EngineThreadData, 'inboxBell'>,
    private readonly events: EngineThreadEvents,
  ) {
    const workerData: EngineThreadData = { ...options, inboxBell: this.inboxBell.buffer };
    this.worker = new Worker(new URL('./engine-thread.js', import.meta.url), {
      workerData,
      name: 'engine',
      transferList: options.engineRank.links.map(({ port }) => port),
    });
    this.worker.on('message', (message: MessageFromEngine | EngineFailure) => this.receive(message));
    this.worker.on('error', (cause) => (this.failure = new EngineFailedError(`The engine's thread failed: ${String(cause)}`, { cause })));
    this.ended = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        if (!this.isClosing) events.onFailure(this.failure ?? new EngineFailedError(`The engine's thread ended with code ${code}`));
        resolve();
      });
    });
  }

  send(message: MessageToEngine): void {
    this.worker.postMessage(message);
    this.inboxBell.ring();
  }

  /**
   * Ends the thread after the step at hand, or, while it still loads, after the layer at hand. It is asked, never terminated: ONNX Runtime's
   * binding aborts the whole process when its thread is terminated inside a call.
   */
  close(): Promise<void> {
    this.isClosing = true;
    this.send({ type: 'close' });
    return this.ended;
  }

  private receive(message: MessageFromEngine | EngineFailure): void {
    if (message.type === 'failed') {
      this.failure = errorFromMessage(message.error);
    } else {
      this.events.onMessage(message);
    }
  }
}

import { errorFromMessage, monotonicSeconds, type RingmeshError } from '@ringmesh/core';
import type { MessageToEngine } from './engine-messages.js';
import { EventQueue } from './event-queue.js';
import type { GenerationEvent, GenerationRequest } from './generation.js';
import type { RequestEvent } from './step-report.js';

/** The requests that the engine works on, and the queues in which their events wait for their readers. */
export class OpenRequests {
  private readonly queues = new Map<string, EventQueue<GenerationEvent>>();

  constructor(private readonly send: (message: MessageToEngine) => void) {}

  has(id: string): boolean {
    return this.queues.has(id);
  }

  /** Submits a request and reads its events. A reader who leaves early, or whose signal says so, aborts it. */
  async *run(request: GenerationRequest, signal?: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    const queue = new EventQueue<GenerationEvent>();
    const abort = (): void => queue.push({ type: 'finished', reason: 'abort' });
    if (signal?.aborted === true) abort();
    else this.submit(request, queue);
    signal?.addEventListener('abort', abort);
    try {
      for (;;) {
        const event = await queue.next();
        yield event;
        if (isLast(event)) return;
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      this.abandon(request.id, queue);
    }
  }

  /** Passes an event on to its reader; there is none if the request was aborted meanwhile. */
  deliver({ id, event }: RequestEvent): void {
    const queue = this.queues.get(id);
    if (isLast(event)) this.queues.delete(id);
    queue?.push(event.type === 'failed' ? { type: 'failed', error: errorFromMessage(event.error) } : event);
  }

  failAll(error: RingmeshError): void {
    for (const queue of this.queues.values()) queue.push({ type: 'failed', error });
    this.queues.clear();
  }

  private submit(request: GenerationRequest, queue: EventQueue<GenerationEvent>): void {
    this.send({ type: 'submit', request, submittedAt: request.arrivedAt ?? monotonicSeconds() });
    this.queues.set(request.id, queue);
  }

  /** Aborts the request unless it has ended. Its id may belong to another one by now. */
  private abandon(id: string, queue: EventQueue<GenerationEvent>): void {
    if (this.queues.get(id) !== queue) return;
    this.queues.delete(id);
    this.send({ type: 'abort', id });
  }
}

function isLast({ type }: { type: GenerationEvent['type'] }): boolean {
  return type === 'finished' || type === 'failed';
}

import { ShuttingDownError } from '@ringmesh/core';

/** Another router answers at once; where there is none, nobody knows how long the next start will take. */
const RETRY_AFTER_SECONDS = 1;

/** The generations under way: what a graceful end waits for, and what it aborts when its patience ends. */
export class InFlight {
  private readonly controllers = new Set<AbortController>();
  private closing = false;
  private allDone = (): void => {};

  get isClosing(): boolean {
    return this.closing;
  }

  /**
   * Runs `start` with a signal that aborts when the client goes, when the consumer leaves, or when the shutdown's patience ends.
   * @throws ShuttingDownError once {@link close} was called.
   */
  run<T>(start: (signal: AbortSignal) => AsyncGenerator<T, void>, client: AbortSignal): AsyncGenerator<T, void> {
    if (this.closing) throw shuttingDown('The server is shutting down: send the request again, to another one where there is one');
    return this.tracked(start, client);
  }

  /** Refuses new generations and lets those under way finish; what is left after `patienceMs` is aborted. */
  async close(patienceMs: number): Promise<void> {
    this.closing = true;
    if (this.controllers.size === 0) return;
    const abortAll = (): void => {
      const reason = shuttingDown(
        `The server ended before this answer did, ${patienceMs / 1000} s after it was told to: send the request again`,
      );
      for (const controller of this.controllers) controller.abort(reason);
    };
    const timer = setTimeout(abortAll, patienceMs);
    await new Promise<void>((resolve) => (this.allDone = resolve));
    clearTimeout(timer);
  }

  private async *tracked<T>(start: (signal: AbortSignal) => AsyncGenerator<T, void>, client: AbortSignal): AsyncGenerator<T, void> {
    const controller = new AbortController();
    const abort = (): void => controller.abort(client.reason);
    client.addEventListener('abort', abort);
    controller.signal.addEventListener('abort', () => this.remove(controller));
    this.controllers.add(controller);
    if (client.aborted) abort();
    try {
      yield* start(controller.signal);
    } finally {
      client.removeEventListener('abort', abort);
      controller.abort();
    }
  }

  private remove(controller: AbortController): void {
    this.controllers.delete(controller);
    if (this.controllers.size === 0) this.allDone();
  }
}

function shuttingDown(message: string): ShuttingDownError {
  return new ShuttingDownError(message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

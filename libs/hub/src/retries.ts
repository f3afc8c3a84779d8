import { setTimeout as delay } from 'node:timers/promises';
import { HubUnavailableError } from '@ringmesh/core';

/** Attempts that got no further, one after the other, until we give up. */
const MAX_FAILURES = 6;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
/** A hub that asks for more patience than this gets none. */
const LONGEST_RETRY_AFTER_MS = 10 * 60_000;

/** An attempt failed in a way that may pass: a cut connection, 429, 5xx. */
export class TransientError extends Error {
  constructor(
    message: string,
    /** What the server asks us to wait. */
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface RetryTiming {
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 to 1. */
  random(): number;
}

export const SYSTEM_TIMING: RetryTiming = {
  wait: (ms, signal) => delay(ms, undefined, { signal }),
  random: () => Math.random(),
};

/** Tries again what failed with a TransientError, waiting twice as long each time, with jitter so that many clients do not come back at once. */
export class Retries {
  constructor(
    private readonly signal: AbortSignal,
    private readonly timing: RetryTiming,
    private readonly onRetry: (message: string) => void,
  ) {}

  /**
   * @param progress grows with what the attempts achieve; those that get further than all before them do not use up the patience
   * @throws HubUnavailableError when it is used up; at once what is no TransientError
   */
  async run<T>(attempt: () => Promise<T>, progress: () => number = () => 0): Promise<T> {
    let failures = 0;
    let furthest = progress();
    for (;;) {
      this.signal.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        failures = progress() > furthest ? 1 : failures + 1;
        furthest = Math.max(furthest, progress());
        if (failures >= MAX_FAILURES)
          throw new HubUnavailableError(`${error.message}; gave up after ${failures} attempts`, { cause: error });
        const ms = this.waitMs(error, failures);
        this.onRetry(`${error.message}; trying again in ${(ms / 1000).toFixed(1)} s`);
        await this.timing.wait(ms, this.signal);
      }
    }
  }

  private waitMs({ message, retryAfterMs = 0 }: TransientError, failures: number): number {
    if (retryAfterMs > LONGEST_RETRY_AFTER_MS) {
      throw new HubUnavailableError(`${message} and asks to wait ${Math.round(retryAfterMs / 60_000)} minutes; pull again later`);
    }
    const backoff = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS);
    return retryAfterMs + (backoff / 2) * (1 + this.timing.random());
  }
}

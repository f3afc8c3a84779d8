import { DeadlineExceededError } from '@ringmesh/core';

/**
 * Waits for something until a request's own time is over.
 * @param wait its signal aborts with `signal`, or when the time is over
 * @throws DeadlineExceededError
 */
export async function within<T>(
  timeoutSeconds: number | undefined,
  signal: AbortSignal,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (timeoutSeconds === undefined) return wait(signal);
  const controller = new AbortController();
  const message = `The timeout of ${timeoutSeconds} s passed while other requests of the API key ran: give more time, or send fewer at once`;
  const timer = setTimeout(() => controller.abort(new DeadlineExceededError(message, { field: 'timeout' })), timeoutSeconds * 1000);
  try {
    return await wait(AbortSignal.any([signal, controller.signal]));
  } finally {
    clearTimeout(timer);
  }
}

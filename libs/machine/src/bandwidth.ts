import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Far more than the caches of one core's share hold. */
const BUFFER_BYTES = 2 ** 28;
const MIN_BUFFER_BYTES = 2 ** 24;
const SECONDS = 1;

/** What a reading thread gets. */
export interface ReadThreadData {
  bufferBytes: number;
  seconds: number;
}

/**
 * Measures how fast threads that all read at the same time get bytes from memory, for about a second.
 * @param signal ends the measurement early
 * @returns bytes a second, of all threads together
 */
export async function measureBandwidth(numThreads: number, signal?: AbortSignal): Promise<number> {
  // Many threads must not take the memory that a model beside them needs.
  const bufferBytes = Math.max(MIN_BUFFER_BYTES, Math.min(BUFFER_BYTES, Math.floor(process.availableMemory() / 4 / numThreads)));
  const workerData: ReadThreadData = { bufferBytes, seconds: SECONDS };
  const script = new URL('./read-thread.js', import.meta.url);
  const threads = Array.from({ length: numThreads }, () => new Worker(script, { workerData, name: 'bandwidth' }));
  const options = signal === undefined ? {} : { signal };
  try {
    await Promise.all(threads.map((thread) => once(thread, 'message', options))); // the buffer is written
    const done = threads.map((thread) => once(thread, 'message', options) as Promise<[bytesPerSecond: number]>);
    for (const thread of threads) thread.postMessage('start');
    const rates = await Promise.all(done);
    return rates.reduce((sum, [rate]) => sum + rate, 0);
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

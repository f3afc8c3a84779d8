import { setTimeout as delay } from 'node:timers/promises';
import type { RequestRecord } from './metrics.js';

/** When requests are sent: at given times (open loop), or each once an earlier one has ended (closed loop). */
export type Schedule = { arrivalsMs: number[] } | { concurrency: number; count: number };

/** A slot whose requests fail waits this long, doubled each time up to the last: a failing server is not hammered. */
const BACKOFF_MS = { first: 100, last: 5000 };

/**
 * Runs a load to its end. An aborted `signal` ends it early; requests that it cuts are not counted.
 * @param send measures one request that is due at a time of `performance.now()`; never rejects
 * @param durationMs after this no further request is sent
 */
export async function runLoad(
  schedule: Schedule,
  send: (index: number, dueAt: number) => Promise<RequestRecord>,
  durationMs: number,
  signal: AbortSignal,
): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  const start = performance.now();
  const isOver = (): boolean => signal.aborted || performance.now() - start >= durationMs;
  const measure = async (index: number, dueAt: number): Promise<RequestRecord> => {
    const record = await send(index, dueAt);
    if (!signal.aborted) records.push(record);
    return record;
  };
  if ('arrivalsMs' in schedule) {
    const running: Promise<unknown>[] = [];
    for (const [index, arrivalMs] of schedule.arrivalsMs.entries()) {
      if (arrivalMs >= durationMs) break;
      const waitMs = start + arrivalMs - performance.now();
      if (waitMs > 0) await wait(waitMs, signal);
      if (signal.aborted) break;
      running.push(measure(index, start + arrivalMs));
    }
    await Promise.all(running);
    return records;
  }
  let next = 0;
  const slot = async (): Promise<void> => {
    let backoffMs = BACKOFF_MS.first;
    while (next < schedule.count && !isOver()) {
      const { error } = await measure(next++, performance.now());
      if (error !== null) await wait(backoffMs, signal);
      backoffMs = error === null ? BACKOFF_MS.first : Math.min(2 * backoffMs, BACKOFF_MS.last);
    }
  };
  await Promise.all(Array.from({ length: Math.min(schedule.concurrency, schedule.count) }, slot));
  return records;
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

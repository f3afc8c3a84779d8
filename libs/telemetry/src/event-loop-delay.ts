import { Histogram } from 'prom-client';
import { EVENT_LOOP_DELAY_BUCKETS } from './buckets.js';
import type { MetricsRegistry } from './registry.js';

/** How often the delay is measured. */
const INTERVAL_MS = 10;

/** What is longer was a process that stood still, or a machine that slept. */
const MAX_DELAY_MS = 60_000;

/**
 * Measures from now on how late this thread's event loop is: what a request that comes at any moment waits before it is looked at. A delay of
 * several intervals counts for each moment in it, not once. (`perf_hooks.monitorEventLoopDelay`, of which the `nodejs_eventloop_lag_*` gauges
 * are, counts it once, has its interval in every value, and forgets with every scrape.)
 * @returns ends the measurement
 */
export function measureEventLoopDelay(registry: MetricsRegistry, now: () => number = () => performance.now()): () => void {
  const histogram = new Histogram({
    name: 'ringmesh:http_event_loop_delay_seconds',
    help: 'How late the thread that answers HTTP gets to what waits for it.',
    buckets: EVENT_LOOP_DELAY_BUCKETS,
    registers: [registry],
  });
  let due = now() + INTERVAL_MS;
  const timer = setInterval(() => {
    const time = now();
    // Timers may fire a fraction of a millisecond early.
    let delay = Math.min(MAX_DELAY_MS, Math.max(0, time - due));
    do histogram.observe(delay / 1000);
    while ((delay -= INTERVAL_MS) >= 0);
    due = time + INTERVAL_MS;
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

import { collectDefaultMetrics, Registry } from 'prom-client';

/** Where the metrics of a process live, on the thread that answers scrapes; other threads report to it in plain data. */
export type MetricsRegistry = Registry;

/** The `content-type` of what {@link renderMetrics} returns (Prometheus text format 0.0.4). */
export const METRICS_CONTENT_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

/** An empty registry. */
export function createMetricsRegistry(): MetricsRegistry {
  return new Registry();
}

/** Adds CPU, memory, file descriptors, event-loop lag and garbage collection of this process. */
export function collectProcessMetrics(registry: MetricsRegistry): void {
  collectDefaultMetrics({ register: registry });
  // Gauges that end in _total, which Prometheus' naming rules keep for counters; the same figures by type remain.
  for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
}

/** The text of a scrape. */
export function renderMetrics(registry: MetricsRegistry): Promise<string> {
  return registry.metrics();
}

import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';

/** Where one thread's metrics live. Threads of one process keep one each and join them when scraped: {@link renderMetrics}. */
export type MetricsRegistry = Registry;

/** The values of a registry as plain data, which can be posted to another thread. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** The `content-type` of what {@link renderMetrics} returns (Prometheus text format 0.0.4). */
export const METRICS_CONTENT_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

/** An empty registry. */
export function createMetricsRegistry(): MetricsRegistry {
  return new Registry();
}

/** Adds CPU, memory, file descriptors, event-loop lag and garbage collection of this process: once, on the thread that answers scrapes. */
export function collectProcessMetrics(registry: MetricsRegistry): void {
  collectDefaultMetrics({ register: registry });
  // Gauges that end in _total, which Prometheus' naming rules keep for counters; the same figures by type remain.
  for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
}

/** What {@link renderMetrics} on another thread joins to its own metrics. */
export function snapshotMetrics(registry: MetricsRegistry): Promise<MetricsSnapshot> {
  return registry.getMetricsAsJSON();
}

/** The text of a scrape: this registry and the snapshots of other threads; values of equal name and labels are added up. */
export async function renderMetrics(registry: MetricsRegistry, snapshots: MetricsSnapshot[] = []): Promise<string> {
  if (snapshots.length === 0) return registry.metrics();
  return AggregatorRegistry.aggregate([await registry.getMetricsAsJSON(), ...snapshots]).metrics();
}

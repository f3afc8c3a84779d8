import { Counter, Gauge, Histogram } from 'prom-client';
import { ITERATION_TOKENS_BUCKETS } from './buckets.js';
import { engineLabels, type EngineLabels } from './engine-labels.js';
import type { MetricsRegistry } from './registry.js';

/** What the engine holds at the moment of a scrape. */
export interface EngineLoad {
  running: number;
  waiting: number;
  /** 0…1. */
  kvCacheUsage: number;
}

/** Gauges that ask for the engine's load at each scrape. */
export function registerEngineLoad(registry: MetricsRegistry, modelName: string, load: () => EngineLoad): void {
  const labels = engineLabels(modelName);
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name: `vllm:${name}`,
      help,
      labelNames: Object.keys(labels),
      registers: [registry],
      collect() {
        this.set(labels, read());
      },
    });
  };
  gauge('num_requests_running', 'Requests in the running batch.', () => load().running);
  gauge('num_requests_waiting', 'Requests that wait to be scheduled.', () => load().waiting);
  gauge('kv_cache_usage_perc', 'Share of KV-cache memory in use; 1 is all of it.', () => load().kvCacheUsage);
}

/** What the engine's own thread counts, under vLLM's names. */
export class EngineMetrics {
  /** Tokens of one step over all sequences, prefill and decode together. */
  readonly iterationTokens: Histogram.Internal<keyof EngineLabels>;
  readonly preemptions: Counter.Internal;

  constructor(registry: MetricsRegistry, modelName: string) {
    const labels = engineLabels(modelName);
    const labelNames = Object.keys(labels);
    const iterationTokens = new Histogram({
      name: 'vllm:iteration_tokens_total',
      help: 'Tokens of one engine step.',
      buckets: ITERATION_TOKENS_BUCKETS,
      labelNames,
      registers: [registry],
    });
    iterationTokens.zero(labels);
    this.iterationTokens = iterationTokens.labels(labels);
    const preemptions = new Counter({
      name: 'vllm:num_preemptions_total',
      help: 'Sequences that lost their KV cache to others and were computed again.',
      labelNames,
      registers: [registry],
    });
    preemptions.inc(labels, 0);
    this.preemptions = preemptions.labels(labels);
  }
}

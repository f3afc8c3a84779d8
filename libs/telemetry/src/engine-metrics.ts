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
  /** Guesses of what follows, each of a sequence and step; their tokens, and those of them that came true. */
  readonly drafts: Counter.Internal;
  readonly draftTokens: Counter.Internal;
  readonly acceptedTokens: Counter.Internal;

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
    const counter = (name: string, help: string): Counter.Internal => {
      const created = new Counter({ name: `vllm:${name}_total`, help, labelNames, registers: [registry] });
      created.inc(labels, 0);
      return created.labels(labels);
    };
    this.preemptions = counter('num_preemptions', 'Sequences that lost their KV cache to others and were computed again.');
    this.drafts = counter('spec_decode_num_drafts', 'Guesses of the next tokens of a sequence that were verified.');
    this.draftTokens = counter('spec_decode_num_draft_tokens', 'Guessed tokens that were verified.');
    this.acceptedTokens = counter('spec_decode_num_accepted_tokens', 'Guessed tokens that came true.');
  }
}

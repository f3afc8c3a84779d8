import { Counter, Histogram } from 'prom-client';
import { INTER_TOKEN_LATENCY_BUCKETS, REQUEST_LATENCY_BUCKETS, TIME_TO_FIRST_TOKEN_BUCKETS } from './buckets.js';
import { engineLabels, type EngineLabels } from './engine-labels.js';
import type { MetricsRegistry } from './registry.js';

/** How a request ended, as vLLM counts it. */
export type FinishedReason = 'stop' | 'length' | 'abort' | 'error';
const FINISHED_REASONS: readonly FinishedReason[] = ['stop', 'length', 'abort', 'error'];

/** What the HTTP side measures of each request, under vLLM's names and buckets. All durations in seconds. */
export class RequestMetrics {
  readonly timeToFirstToken: Histogram.Internal<keyof EngineLabels>;
  readonly interTokenLatency: Histogram.Internal<keyof EngineLabels>;
  /** (last token − first token) / (tokens − 1), once a request. */
  readonly timePerOutputToken: Histogram.Internal<keyof EngineLabels>;
  readonly endToEndLatency: Histogram.Internal<keyof EngineLabels>;
  readonly queueTime: Histogram.Internal<keyof EngineLabels>;
  readonly promptTokens: Counter.Internal;
  readonly generationTokens: Counter.Internal;
  readonly prefixCacheQueries: Counter.Internal;
  readonly prefixCacheHits: Counter.Internal;
  private readonly finished: Record<FinishedReason, Counter.Internal>;

  constructor(registry: MetricsRegistry, modelName: string) {
    const labels = engineLabels(modelName);
    const labelNames = Object.keys(labels) as (keyof EngineLabels)[];
    const histogram = (name: string, help: string, buckets: number[]): Histogram.Internal<keyof EngineLabels> => {
      const metric = new Histogram({ name: `vllm:${name}`, help, buckets, labelNames, registers: [registry] });
      metric.zero(labels);
      return metric.labels(labels);
    };
    const counter = (name: string, help: string): Counter.Internal => {
      const metric = new Counter({ name: `vllm:${name}`, help, labelNames, registers: [registry] });
      metric.inc(labels, 0);
      return metric.labels(labels);
    };
    this.timeToFirstToken = histogram('time_to_first_token_seconds', 'Time from arrival to the first token.', TIME_TO_FIRST_TOKEN_BUCKETS);
    this.interTokenLatency = histogram('inter_token_latency_seconds', 'Time between two tokens.', INTER_TOKEN_LATENCY_BUCKETS);
    this.timePerOutputToken = histogram(
      'request_time_per_output_token_seconds',
      'Mean time between the tokens of a request.',
      INTER_TOKEN_LATENCY_BUCKETS,
    );
    this.endToEndLatency = histogram('e2e_request_latency_seconds', 'Time from arrival to the end.', REQUEST_LATENCY_BUCKETS);
    this.queueTime = histogram('request_queue_time_seconds', 'Time from arrival to the first scheduled step.', REQUEST_LATENCY_BUCKETS);
    this.promptTokens = counter('prompt_tokens_total', 'Prompt tokens of the requests that were started.');
    this.generationTokens = counter('generation_tokens_total', 'Tokens generated.');
    this.prefixCacheQueries = counter('prefix_cache_queries_total', 'Prompt tokens that were looked up in the prefix cache.');
    this.prefixCacheHits = counter('prefix_cache_hits_total', 'Prompt tokens that were in the prefix cache, and so were not computed.');

    const success = new Counter({
      name: 'vllm:request_success_total',
      help: 'Requests that ended, by reason.',
      labelNames: [...labelNames, 'finished_reason'],
      registers: [registry],
    });
    this.finished = Object.fromEntries(
      FINISHED_REASONS.map((reason) => [reason, success.labels({ ...labels, finished_reason: reason })]),
    ) as Record<FinishedReason, Counter.Internal>;
    for (const reason of FINISHED_REASONS) this.finished[reason].inc(0);
  }

  countFinished(reason: FinishedReason): void {
    this.finished[reason].inc();
  }
}

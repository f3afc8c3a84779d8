import { Counter, Histogram } from 'prom-client';
import { HTTP_DURATION_BUCKETS } from './buckets.js';
import type { MetricsRegistry } from './registry.js';

/** One answered HTTP request. `handler` is the route's pattern, never the path itself: what clients send must not make time series. */
export interface HttpExchange {
  handler: string;
  method: string;
  /** 100…599. */
  status: number;
  seconds: number;
}

/** Requests by route, under the names that vLLM's HTTP instrumentation uses. */
export class HttpMetrics {
  private readonly requests;
  private readonly duration;

  constructor(registry: MetricsRegistry) {
    this.requests = new Counter({
      name: 'http_requests_total',
      help: 'HTTP requests by route, method and status class.',
      labelNames: ['handler', 'method', 'status'],
      registers: [registry],
    });
    this.duration = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from a request to the end of its response, streams included.',
      buckets: HTTP_DURATION_BUCKETS,
      labelNames: ['handler', 'method'],
      registers: [registry],
    });
  }

  observe({ handler, method, status, seconds }: HttpExchange): void {
    this.requests.inc({ handler, method, status: `${Math.floor(status / 100)}xx` });
    this.duration.observe({ handler, method }, seconds);
  }
}

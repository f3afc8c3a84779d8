import { Counter, Gauge, Histogram } from 'prom-client';
import { DISPATCH_LATENCY_BUCKETS } from './buckets.js';
import type { MetricsRegistry } from './registry.js';
import { ShardTokens } from './shard-tokens.js';

/** The metrics of the messages between this router and one worker. */
export interface WorkerLinkMetrics {
  /** Seconds from sending a request to having its whole reply. */
  latency: Histogram.Internal<'worker'>;
  sentBytes: Counter.Internal;
  receivedBytes: Counter.Internal;
  inFlight: Gauge.Internal<'worker'>;
  /** 1 while the worker can be reached, else 0. */
  up: Gauge.Internal<'worker'>;
  failures: Counter.Internal;
}

/** The expert plane as the router sees it: the `ringmesh:dispatch_*` family and `ringmesh:worker_up`. */
export class DispatchMetrics {
  /** (token, expert) pairs sent out, per layer group and shard. */
  readonly tokens: ShardTokens;
  private readonly latency;
  private readonly sentBytes;
  private readonly receivedBytes;
  private readonly inFlight;
  private readonly up;
  private readonly failures;
  private readonly links = new Map<string, WorkerLinkMetrics>();

  constructor(registry: MetricsRegistry, model: { numLayers: number; numShards: number }) {
    const metric = { labelNames: ['worker'] as const, registers: [registry] };
    this.latency = new Histogram({
      ...metric,
      name: 'ringmesh:dispatch_latency_seconds',
      help: 'Time from sending a layer to a worker to having its whole reply.',
      buckets: DISPATCH_LATENCY_BUCKETS,
    });
    this.sentBytes = new Counter({
      ...metric,
      name: 'ringmesh:dispatch_sent_bytes_total',
      help: 'Bytes of the requests sent to a worker.',
    });
    this.receivedBytes = new Counter({
      ...metric,
      name: 'ringmesh:dispatch_received_bytes_total',
      help: 'Bytes of the replies received from a worker.',
    });
    this.inFlight = new Gauge({ ...metric, name: 'ringmesh:dispatch_in_flight', help: 'Requests sent to a worker and not yet answered.' });
    this.up = new Gauge({ ...metric, name: 'ringmesh:worker_up', help: 'Whether the router can reach the worker: 1 or 0.' });
    this.failures = new Counter({
      ...metric,
      name: 'ringmesh:dispatch_failures_total',
      help: 'Requests to a worker that failed or missed their deadline.',
    });
    const help = '(token, expert) pairs sent out, by layer group and shard.';
    this.tokens = new ShardTokens(registry, { name: 'ringmesh:dispatch_tokens_total', help }, model);
  }

  /** The metrics of one worker, by the address that the operator knows; bound once, for use on every message. */
  worker(address: string): WorkerLinkMetrics {
    let link = this.links.get(address);
    if (link === undefined) {
      const labels = { worker: address };
      this.latency.zero(labels);
      link = {
        latency: this.latency.labels(labels),
        sentBytes: this.sentBytes.labels(labels),
        receivedBytes: this.receivedBytes.labels(labels),
        inFlight: this.inFlight.labels(labels),
        up: this.up.labels(labels),
        failures: this.failures.labels(labels),
      };
      for (const counter of [link.sentBytes, link.receivedBytes, link.failures]) counter.inc(0);
      link.inFlight.set(0);
      link.up.set(0);
      this.links.set(address, link);
    }
    return link;
  }

  /** Forgets a worker that left. */
  removeWorker(address: string): void {
    for (const metric of [this.latency, this.sentBytes, this.receivedBytes, this.inFlight, this.up, this.failures]) {
      metric.remove({ worker: address });
    }
    this.links.delete(address);
  }
}

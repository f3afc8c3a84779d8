import { Counter, Gauge, Histogram } from 'prom-client';
import { DISPATCH_LATENCY_BUCKETS } from './buckets.js';
import type { MetricsRegistry } from './registry.js';
import { ShardTokens } from './shard-tokens.js';

/** The expert plane as a worker sees it: the `ringmesh:worker_*` family. */
export class WorkerMetrics {
  /** By status: `ok`, or why there are no partial sums. */
  readonly requests: Counter<'status'>;
  /** Seconds that a request, or its part, waited for its compute thread. */
  readonly queueDuration: Histogram;
  /** Seconds that a compute thread then took. */
  readonly computeDuration: Histogram;
  readonly receivedBytes: Counter;
  readonly sentBytes: Counter;
  /** Requests received and not yet answered. */
  readonly inFlight: Gauge;
  /** Forward streams that routers hold open. */
  readonly streams: Gauge;
  /** Shards whose experts this worker computes. */
  readonly hostedShards: Gauge;
  /** (token, expert) pairs computed, per layer group and shard. */
  readonly tokens: ShardTokens;

  constructor(registry: MetricsRegistry, model: { numLayers: number; numShards: number }) {
    const registers = [registry];
    const counter = (name: string, help: string): Counter => new Counter({ name: `ringmesh:worker_${name}`, help, registers });
    const gauge = (name: string, help: string): Gauge => new Gauge({ name: `ringmesh:worker_${name}`, help, registers });
    const histogram = (name: string, help: string): Histogram =>
      new Histogram({ name: `ringmesh:worker_${name}`, help, buckets: DISPATCH_LATENCY_BUCKETS, registers });
    this.requests = new Counter({
      name: 'ringmesh:worker_requests_total',
      help: 'Requests answered, by status.',
      labelNames: ['status'],
      registers,
    });
    this.requests.inc({ status: 'ok' }, 0);
    this.queueDuration = histogram('queue_seconds', 'Time that requests waited for their compute thread.');
    this.computeDuration = histogram('compute_seconds', 'Time that a compute thread took for a request.');
    this.receivedBytes = counter('received_bytes_total', 'Bytes of the requests received.');
    this.sentBytes = counter('sent_bytes_total', 'Bytes of the replies sent.');
    this.inFlight = gauge('in_flight', 'Requests received and not yet answered.');
    this.streams = gauge('streams', 'Forward streams that routers hold open.');
    this.hostedShards = gauge('hosted_shards', 'Shards whose experts this worker computes.');
    const help = '(token, expert) pairs computed, by layer group and shard.';
    this.tokens = new ShardTokens(registry, { name: 'ringmesh:worker_tokens_total', help }, model);
  }
}

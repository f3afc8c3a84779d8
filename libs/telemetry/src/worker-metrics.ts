import { Counter, Gauge, Histogram } from 'prom-client';
import { DISPATCH_LATENCY_BUCKETS } from './buckets.js';
import type { MetricsRegistry } from './registry.js';
import { ShardTokens } from './shard-tokens.js';

/** The expert plane as a worker sees it: the `ringmesh:worker_*` family. */
export class WorkerMetrics {
  /** Seconds from receiving a request to having its partial sums, waiting included. */
  readonly forwardDuration: Histogram;
  readonly requests: Counter;
  readonly failures: Counter;
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
    this.forwardDuration = new Histogram({
      name: 'ringmesh:worker_forward_seconds',
      help: 'Time from receiving a request to having its partial sums.',
      buckets: DISPATCH_LATENCY_BUCKETS,
      registers,
    });
    this.requests = counter('requests_total', 'Requests answered, failures included.');
    this.failures = counter('failures_total', 'Requests answered with an error.');
    this.receivedBytes = counter('received_bytes_total', 'Bytes of the requests received.');
    this.sentBytes = counter('sent_bytes_total', 'Bytes of the replies sent.');
    this.inFlight = gauge('in_flight', 'Requests received and not yet answered.');
    this.streams = gauge('streams', 'Forward streams that routers hold open.');
    this.hostedShards = gauge('hosted_shards', 'Shards whose experts this worker computes.');
    const help = '(token, expert) pairs computed, by layer group and shard.';
    this.tokens = new ShardTokens(registry, { name: 'ringmesh:worker_tokens_total', help }, model);
  }
}

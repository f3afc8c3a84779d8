import { Counter, Gauge, Histogram } from 'prom-client';
import { DISPATCH_LATENCY_BUCKETS } from './buckets.js';
import type { MetricsRegistry } from './registry.js';
import { ShardTokens } from './shard-tokens.js';

/** What the dispatcher counted since it was last asked; its own statistics have this shape. */
export interface DispatchSample {
  /** All hosts of experts that there are now. */
  hosts: {
    id: string;
    failures: number;
    sentBytes: number;
    receivedBytes: number;
    /** Seconds of each exchange. */
    latencies: number[];
  }[];
  /** (token, expert) pairs sent to each shard, by layer. */
  tokens: Float64Array; // [numLayers, numShards]
}

/** The expert plane as the router sees it: the `ringmesh:dispatch_*` family. */
export class DispatchMetrics {
  private readonly tokens: ShardTokens;
  private readonly latency;
  private readonly sentBytes;
  private readonly receivedBytes;
  private readonly failures;
  private hosts = new Set<string>();

  constructor(registry: MetricsRegistry, model: { numLayers: number; numShards: number }) {
    const metric = { labelNames: ['worker'] as const, registers: [registry] };
    const counter = (name: string, help: string) => new Counter({ ...metric, name: `ringmesh:dispatch_${name}`, help });
    this.latency = new Histogram({
      ...metric,
      name: 'ringmesh:dispatch_latency_seconds',
      help: 'Time from sending a layer to a worker to having its whole reply.',
      buckets: DISPATCH_LATENCY_BUCKETS,
    });
    this.sentBytes = counter('sent_bytes_total', 'Bytes of hidden states sent to a worker, as float32.');
    this.receivedBytes = counter('received_bytes_total', 'Bytes of partial sums received from a worker, as float32.');
    this.failures = counter('failures_total', 'Requests to a worker that failed or missed their deadline.');
    const help = '(token, expert) pairs sent out, by layer group and shard.';
    this.tokens = new ShardTokens(registry, { name: 'ringmesh:dispatch_tokens_total', help }, model);
  }

  record({ hosts, tokens }: DispatchSample): void {
    this.tokens.addAll(tokens);
    for (const host of hosts) {
      const labels = { worker: host.id };
      this.sentBytes.inc(labels, host.sentBytes);
      this.receivedBytes.inc(labels, host.receivedBytes);
      this.failures.inc(labels, host.failures);
      for (const seconds of host.latencies) this.latency.observe(labels, seconds);
    }
    this.forgetAllBut(new Set(hosts.map(({ id }) => id)));
  }

  private forgetAllBut(hosts: Set<string>): void {
    for (const worker of this.hosts) {
      if (hosts.has(worker)) continue;
      for (const metric of [this.latency, this.sentBytes, this.receivedBytes, this.failures]) metric.remove({ worker });
    }
    this.hosts = hosts;
  }
}

/** A worker as the router knows it now. */
export interface WorkerSample {
  address: string;
  isUp: boolean;
  inFlight: number;
}

/** What is asked for at each scrape, of every worker that the router knows: `ringmesh:worker_up` and `ringmesh:dispatch_in_flight`. */
export function registerWorkers(registry: MetricsRegistry, workers: () => WorkerSample[]): void {
  const gauge = (name: string, help: string, valueOf: (worker: WorkerSample) => number) =>
    new Gauge({
      name: `ringmesh:${name}`,
      help,
      labelNames: ['worker'],
      registers: [registry],
      collect() {
        this.reset();
        for (const worker of workers()) this.set({ worker: worker.address }, valueOf(worker));
      },
    });
  gauge('worker_up', 'Whether the router can use the worker: 1 or 0.', ({ isUp }) => (isUp ? 1 : 0));
  gauge('dispatch_in_flight', 'Requests sent to a worker and not yet answered.', ({ inFlight }) => inFlight);
}

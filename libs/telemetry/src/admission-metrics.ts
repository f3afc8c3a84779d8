import { Counter, Gauge } from 'prom-client';
import { engineLabels } from './engine-labels.js';
import type { MetricsRegistry } from './registry.js';

/** Why a request was sent away: the code of its error. */
export type RefusalCode = 'queue_full' | 'rate_limit_exceeded' | 'invalid_api_key';
const REFUSAL_CODES: readonly RefusalCode[] = ['queue_full', 'rate_limit_exceeded', 'invalid_api_key'];

/** Who waits at the moment of a scrape, not counting who was started and preempted. */
export interface WaitingLoad {
  requests: number;
  promptTokens: number;
  /** Of the requests: those that wait because their API key may not run more. */
  heldByKey: number;
}

/** Counts the requests that were refused. */
export class RefusalMetrics {
  private readonly refused: Counter<'code'>;

  constructor(registry: MetricsRegistry) {
    this.refused = new Counter({
      name: 'ringmesh:requests_refused_total',
      help: 'Requests that were refused, by the code of the error.',
      labelNames: ['code'],
      registers: [registry],
    });
    for (const code of REFUSAL_CODES) this.refused.inc({ code }, 0);
  }

  count(code: RefusalCode): void {
    this.refused.inc({ code });
  }
}

/** Gauges that ask at each scrape who waits. */
export function registerWaitingLoad(registry: MetricsRegistry, modelName: string, load: () => WaitingLoad): void {
  const labels = engineLabels(modelName);
  new Gauge({
    name: 'vllm:num_requests_waiting_by_reason',
    help: 'Requests that were not started yet: for want of capacity, or deferred by the limit of their API key.',
    labelNames: [...Object.keys(labels), 'reason'],
    registers: [registry],
    collect() {
      const { requests, heldByKey } = load();
      this.set({ ...labels, reason: 'capacity' }, requests - heldByKey);
      this.set({ ...labels, reason: 'deferred' }, heldByKey);
    },
  });
  new Gauge({
    name: 'ringmesh:waiting_prompt_tokens',
    help: 'Prompt tokens of the requests that were not started yet.',
    registers: [registry],
    collect() {
      this.set(load().promptTokens);
    },
  });
}

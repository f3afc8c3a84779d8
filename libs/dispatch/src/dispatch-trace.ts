import { type SpanIds, writeTraceId } from '@ringmesh/core';
import type { Exchange } from './expert-host.js';

/** One exchange: the second half of its span's id, its layer, index of its host, (token, expert) pairs, seconds from and to, 1 where it failed. */
export const EXCHANGE_NUMBERS = 7;

/** What a step asked of the hosts of experts. */
export interface TracedExchanges {
  /** Ids of hosts. */
  hosts: string[];
  exchanges: Float64Array; // [N, 7]
  /** That there was no room for. */
  dropped: number;
}

/** Exchanges of one step at most: those of a hundred layers with twenty hosts. */
const MAX_EXCHANGES = 2048;

/**
 * Writes down the exchanges of steps that are traced, as numbers in memory that is used again, and tells each host under which span it works.
 * Belongs to the engine's thread.
 */
export class DispatchTrace {
  private readonly numbers = new Float64Array(MAX_EXCHANGES * EXCHANGE_NUMBERS); // [N, 7]
  private readonly traceId = new Uint32Array(4);
  private hosts: string[] = [];
  private limit = 0;
  private count = 0;
  private dropped = 0;
  private isOn = false;

  /** @param now by `monotonicSeconds` */
  constructor(
    readonly ids: SpanIds,
    private readonly now: () => number,
  ) {}

  /** The exchanges from now to {@link take} belong to this trace, as many as `limit` of them. */
  start(traceId: string, limit: number): void {
    writeTraceId(traceId, this.traceId);
    this.isOn = true;
    this.limit = Math.min(limit, MAX_EXCHANGES);
    this.count = this.dropped = 0;
    this.hosts = [];
  }

  /** What came since {@link start}. */
  take(): TracedExchanges {
    this.isOn = false;
    return { hosts: this.hosts, exchanges: this.numbers.slice(0, this.count * EXCHANGE_NUMBERS), dropped: this.dropped };
  }

  /** Before a request is sent. */
  sending(exchange: Exchange, layer: number): void {
    const { channel, host, rows } = exchange;
    exchange.span = -1;
    channel.trace.fill(0);
    if (!this.isOn) return;
    if (this.count === this.limit) {
      this.dropped++;
      return;
    }
    exchange.span = this.count++;
    const low = this.ids.next();
    const at = exchange.span * EXCHANGE_NUMBERS;
    channel.trace.set(this.traceId);
    channel.trace[4] = this.ids.high;
    channel.trace[5] = low;
    this.numbers[at] = low;
    this.numbers[at + 1] = layer;
    this.numbers[at + 2] = this.indexOf(host.id);
    this.numbers[at + 3] = rows;
    this.numbers[at + 4] = this.numbers[at + 5] = this.now(); // until it is settled
  }

  /** After it was answered, or given up. */
  settled({ span, channel, overdue }: Exchange, failed: boolean): void {
    if (span < 0) return;
    const at = span * EXCHANGE_NUMBERS;
    this.numbers[at + 4] = channel.requestedAt;
    this.numbers[at + 5] = overdue ? this.now() : channel.answeredAt;
    this.numbers[at + 6] = failed ? 1 : 0;
  }

  private indexOf(host: string): number {
    const index = this.hosts.indexOf(host);
    return index >= 0 ? index : this.hosts.push(host) - 1;
  }
}

import { CoordinationUnavailableError } from '@ringmesh/core';
import { systemClock, type Clock } from './clock.js';
import { KnownWorkers } from './known-workers.js';
import type { LeaseStore } from './lease-store.js';
import { WorkerLease } from './worker-lease.js';
import type { WorkerRecord } from './worker-record.js';

export interface WorkerRegistryOptions {
  /** Hears, in a sentence, of unreadable records and of the store going away and coming back. */
  onWarning: (message: string) => void;
  /** A worker that was not heard of for this long is gone. It is renewed three times as often. */
  leaseMs?: number;
  clock?: Clock;
}

/** Which expert workers there are: workers register and a heartbeat renews them, routers list and watch them. */
export class WorkerRegistry {
  private readonly leases: WorkerLease[] = [];
  private readonly watches = new Set<() => Promise<void>>();
  private readonly leaseMs: number;
  private readonly known: KnownWorkers;
  private readonly stopHeartbeat: () => void;
  private beating = false;

  constructor(
    private readonly store: LeaseStore,
    { onWarning, leaseMs = 10_000, clock = systemClock }: WorkerRegistryOptions,
  ) {
    this.leaseMs = leaseMs;
    this.known = new KnownWorkers(leaseMs, clock, onWarning);
    this.stopHeartbeat = clock.every(leaseMs / 3, () => void this.beat());
  }

  /** @throws InvalidOptionError if a field is wrong; CoordinationUnavailableError if the store does not answer. */
  async register(worker: WorkerRecord): Promise<WorkerLease> {
    const lease = new WorkerLease(this.store, this.leaseMs, worker);
    await lease.renew();
    this.leases.push(lease);
    return lease;
  }

  /** The workers, by id; as last known while the store does not answer. @throws CoordinationUnavailableError if it has not answered yet. */
  async list(): Promise<WorkerRecord[]> {
    try {
      this.known.update(await this.store.read());
    } catch (error) {
      if (!(error instanceof CoordinationUnavailableError) || !this.known.list()) throw error;
      this.known.storeFailed(error);
    }
    return this.known.list() ?? [];
  }

  /** Calls `onChange` with the workers soon and after every change. The returned function ends it. */
  watch(onChange: (workers: WorkerRecord[]) => void): () => void {
    let reported: string | undefined;
    const report = async () => {
      const workers = await this.list();
      const text = JSON.stringify(workers);
      if (text === reported || !this.watches.has(report)) return;
      reported = text;
      onChange(workers);
    };
    const refresh = () => void report().catch((error: unknown) => this.known.storeFailed(error));
    const stopListening = this.store.onChange(refresh);
    this.watches.add(report);
    refresh();
    return () => {
      stopListening();
      this.watches.delete(report);
    };
  }

  /** Releases what was registered here and closes the store. What cannot be released runs out by itself. */
  async close(): Promise<void> {
    this.stopHeartbeat();
    this.watches.clear();
    await Promise.allSettled(this.leases.map((lease) => lease.release()));
    await this.store.close();
  }

  /** Renews every lease, and looks for leases that ran out, of which no store tells. */
  private async beat(): Promise<void> {
    if (this.beating) return;
    this.beating = true;
    try {
      for (const lease of this.leases) {
        await lease.renew();
        this.known.storeAnswered();
      }
      for (const report of this.watches) await report();
    } catch (error) {
      this.known.storeFailed(error);
    } finally {
      this.beating = false;
    }
  }
}

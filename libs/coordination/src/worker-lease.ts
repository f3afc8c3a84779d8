import type { LeaseStore } from './lease-store.js';
import { encodeWorkerRecord, type WorkerRecord } from './worker-record.js';

/** A worker's place in the registry, which renews it until it is released. */
export class WorkerLease {
  private record: string;
  private released = false;

  constructor(
    private readonly store: LeaseStore,
    private readonly leaseMs: number,
    private worker: WorkerRecord,
  ) {
    this.record = encodeWorkerRecord(worker);
  }

  /** Changes what the registry says of the worker, as `{ draining: true }`. */
  async update(changes: Partial<Omit<WorkerRecord, 'id'>>): Promise<void> {
    const worker = { ...this.worker, ...changes };
    this.record = encodeWorkerRecord(worker);
    this.worker = worker;
    await this.renew();
  }

  /** Starts the lease's time anew. */
  async renew(): Promise<void> {
    if (!this.released) await this.store.put(this.worker.id, this.record, this.leaseMs);
  }

  /** Takes the worker off the registry. */
  async release(): Promise<void> {
    if (this.released) return;
    this.released = true;
    await this.store.remove(this.worker.id);
  }
}

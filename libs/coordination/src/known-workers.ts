import type { Clock } from './clock.js';
import { decodeWorkerRecord, type WorkerRecord } from './worker-record.js';

/**
 * The workers as last read. While the store does not answer they stay as they are; once it is back, those known before stay for one lease more,
 * because a store that comes back empty says nothing about them.
 */
export class KnownWorkers {
  private workers: Map<string, WorkerRecord> | undefined;
  private unreadable = new Map<string, string>();
  private answering = true;
  private graceEndsAt = -Infinity;

  constructor(
    private readonly leaseMs: number,
    private readonly clock: Pick<Clock, 'now'>,
    private readonly warn: (message: string) => void,
  ) {}

  /** By id; undefined until the first answer. */
  list(): WorkerRecord[] | undefined {
    return this.workers && [...this.workers.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The store answered with these records. */
  update(records: Map<string, string>): void {
    this.storeAnswered();
    const read = this.decode(records);
    this.workers = this.clock.now() < this.graceEndsAt ? new Map([...(this.workers ?? []), ...read]) : read;
  }

  /** The store did what was asked of it. */
  storeAnswered(): void {
    if (this.answering) return;
    this.answering = true;
    this.graceEndsAt = this.clock.now() + this.leaseMs;
    this.warn('The worker registry answers again.');
  }

  /** The store did not answer. Only the first of several failures warns. */
  storeFailed(error: unknown): void {
    if (!this.answering) return;
    this.answering = false;
    this.warn(`Going on with the workers last known: ${error instanceof Error ? error.message : String(error)}`);
  }

  /** Skips what is no worker record, and warns once of each. */
  private decode(records: Map<string, string>): Map<string, WorkerRecord> {
    const workers = new Map<string, WorkerRecord>();
    const unreadable = new Map<string, string>();
    for (const [id, text] of records) {
      try {
        workers.set(id, decodeWorkerRecord(id, text));
      } catch (error) {
        unreadable.set(id, text);
        if (this.unreadable.get(id) !== text)
          this.warn(`Skipping the record of worker ${JSON.stringify(id.slice(0, 64))}: ${String(error)}`);
      }
    }
    this.unreadable = unreadable;
    return workers;
  }
}

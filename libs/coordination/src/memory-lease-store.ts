import type { Clock } from './clock.js';
import type { LeaseStore } from './lease-store.js';

/** Leases within one process. */
export class MemoryLeaseStore implements LeaseStore {
  private readonly entries = new Map<string, { record: string; endsAt: number }>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  async put(id: string, record: string, leaseMs: number): Promise<void> {
    const changed = this.entries.get(id)?.record !== record;
    this.entries.set(id, { record, endsAt: this.clock.now() + leaseMs });
    if (changed) this.notify();
  }

  async remove(id: string): Promise<void> {
    if (this.entries.delete(id)) this.notify();
  }

  async read(): Promise<Map<string, string>> {
    for (const [id, { endsAt }] of this.entries) if (endsAt <= this.clock.now()) this.entries.delete(id);
    return new Map([...this.entries].map(([id, { record }]) => [id, record]));
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.listeners.clear();
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}

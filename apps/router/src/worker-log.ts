import type { WorkerStatus } from '@ringmesh/engine';
import type { Logger } from '@ringmesh/telemetry';

/** A cause that lasts is repeated this seldom. */
const REPEAT_SECONDS = 60;

/** Told of every change of any worker; writes a line when one is there, or is not, and says why. Attempts to connect in between are no news. */
export class WorkerLog {
  private readonly written = new Map<string, { what: string; at: number }>();

  constructor(
    private readonly log: Logger,
    /** Seconds. */
    private readonly now: () => number = () => performance.now() / 1000,
  ) {}

  changed(workers: WorkerStatus[]): void {
    for (const worker of workers) if (worker.state !== 'connecting' && this.isNews(worker)) this.write(worker);
    const present = new Set(workers.map(({ address }) => address));
    for (const address of this.written.keys()) if (!present.has(address)) this.written.delete(address);
  }

  private isNews({ address, state, detail }: WorkerStatus): boolean {
    const isUsable = state === 'ready' || state === 'loading';
    const what = isUsable ? state : `${state} ${detail}`;
    const last = this.written.get(address);
    const isRepeated = last?.what === what && (isUsable || this.now() - last.at < REPEAT_SECONDS);
    if (!isRepeated) this.written.set(address, { what, at: this.now() });
    return !isRepeated;
  }

  private write({ address, state, shards, detail }: WorkerStatus): void {
    if (state === 'ready') this.log.info({ worker: address, shards }, 'worker is ready');
    else if (state === 'loading') this.log.info({ worker: address, detail }, 'worker is loading its experts');
    else this.log.warn({ worker: address, state, detail }, 'worker cannot be used; trying again until it can');
  }
}

import type { WorkerStatus } from '@ringmesh/engine';
import type { Logger } from '@ringmesh/telemetry';

/** Told of every change of any worker; writes a line when one is there, or is not, and says why. Attempts to connect in between are no news. */
export class WorkerLog {
  private readonly lastStates = new Map<string, WorkerStatus['state']>();

  constructor(private readonly log: Logger) {}

  changed(workers: WorkerStatus[]): void {
    for (const { address, state, shards, detail } of workers) {
      if (state === 'connecting' || this.lastStates.get(address) === state) continue;
      this.lastStates.set(address, state);
      if (state === 'ready') this.log.info({ worker: address, shards }, 'worker is ready');
      else if (state === 'loading') this.log.info({ worker: address, detail }, 'worker is loading its experts');
      else this.log.warn({ worker: address, state, detail }, 'worker cannot be used; trying again until it can');
    }
    const present = new Set(workers.map(({ address }) => address));
    for (const address of this.lastStates.keys()) if (!present.has(address)) this.lastStates.delete(address);
  }
}

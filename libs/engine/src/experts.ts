import { InvalidOptionError } from '@ringmesh/core';
import { GrpcDispatch, type GrpcDispatchOptions, type RemoteWorker } from '@ringmesh/dispatch';
import type { ComputeThreads } from './compute-threads.js';
import { LocalExperts } from './local-experts.js';

export interface ExpertsOptions extends Omit<GrpcDispatchOptions, 'workers'> {
  /** Addresses, host:port; `local` where there are none, nor will be. */
  workers: 'local' | string[];
}

/**
 * Where the experts are: on workers behind gRPC, on threads of this process, or on both, each shard in one place or in several. A host is a
 * host; those of this process come first, so that they are asked first where others have as little to do.
 */
export class Experts {
  private readonly remote: GrpcDispatch | null;
  private local: LocalExperts | null = null;
  private localHosts: RemoteWorker[] = [];
  private remoteHosts: RemoteWorker[] = [];

  /** @throws InvalidOptionError for a malformed address, or security that is not possible */
  constructor(private readonly options: ExpertsOptions) {
    const { workers } = options;
    const onChange = (hosts: RemoteWorker[]): void => {
      this.remoteHosts = hosts;
      this.changed();
    };
    this.remote = workers === 'local' ? null : new GrpcDispatch({ ...options, workers, onChange });
  }

  /** These threads have shards, which can be used as soon as all of them are ready. */
  addLocal(threads: ComputeThreads): void {
    this.local = new LocalExperts(threads, (hosts) => {
      this.localHosts = hosts;
      this.changed();
    });
  }

  /** The local experts are so far. */
  loading(opened: number, total: number): void {
    this.local?.loading(opened, total);
  }

  /** Replaces the list of workers. @throws InvalidOptionError for a malformed address, and where there can be none */
  setWorkers(addresses: string[]): void {
    if (this.remote === null) {
      throw new InvalidOptionError('--workers: the experts are in this process; start it with the addresses of workers', {
        field: '--workers',
      });
    }
    this.remote.setWorkers(addresses);
  }

  /** Ends the connections to workers. */
  async close(): Promise<void> {
    await this.remote?.close();
  }

  private changed(): void {
    this.options.onChange([...this.localHosts, ...this.remoteHosts]);
  }
}

import type { RemoteWorker } from '@ringmesh/dispatch';
import { ExpertPool, type ExpertPoolOptions } from '@ringmesh/experts';

export interface LocalExpertsOptions extends Omit<ExpertPoolOptions, 'shards' | 'onProgress' | 'onFailure' | 'signal'> {
  /** Called with all hosts after one of them changed. */
  onChange: (hosts: RemoteWorker[]) => void;
  /** The experts could not be opened, or a thread ended by itself. */
  onFailure: (error: Error) => void;
}

/** All experts on threads of this process, told of in the same terms as workers behind gRPC. */
export class LocalExperts {
  private readonly closing = new AbortController();
  private readonly pool: Promise<ExpertPool | null>;

  constructor(private readonly options: LocalExpertsOptions) {
    this.pool = this.start();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await (await this.pool)?.close();
  }

  private async start(): Promise<ExpertPool | null> {
    const { onChange, onFailure, ...options } = this.options;
    const common = { address: 'local', detail: '' };
    const onProgress = (opened: number, total: number): void => {
      onChange([{ ...common, id: 'local', state: 'loading', detail: `${opened} of ${total} experts open`, shards: [], channels: [] }]);
    };
    const shards = Array.from({ length: options.manifest.numShards }, (_, shard) => shard);
    try {
      const pool = await ExpertPool.start({ ...options, shards, onProgress, onFailure, signal: this.closing.signal });
      onChange(pool.hosts.map((host, thread) => ({ ...common, ...host, id: `local-${thread}`, state: 'ready' })));
      return pool;
    } catch (error) {
      if (!this.closing.signal.aborted) onFailure(error instanceof Error ? error : new Error(String(error)));
      return null;
    }
  }
}

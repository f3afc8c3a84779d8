import type { RemoteWorker } from '@ringmesh/dispatch';
import { ExpertPool, type ExpertPoolOptions, type PooledHost } from '@ringmesh/experts';
import { Doorbell, ExpertChannel } from '@ringmesh/protocol';
import { numOwnShards } from './own-shards.js';

export interface LocalExpertsOptions extends Omit<ExpertPoolOptions, 'shards' | 'onProgress' | 'onFailure' | 'signal'> {
  /** Called with all hosts after one of them changed. */
  onChange: (hosts: RemoteWorker[]) => void;
  /** The experts could not be opened, or a thread ended by itself. */
  onFailure: (error: Error) => void;
}

/** All experts in this process, on compute threads and on the engine's own, told of in the same terms as workers behind gRPC. */
export class LocalExperts {
  /** What the engine's thread serves by itself. */
  readonly ownHost: PooledHost;
  private readonly closing = new AbortController();
  private readonly pool: Promise<ExpertPool | null>;

  /** @param options `threads` counts the engine's own */
  constructor(private readonly options: LocalExpertsOptions) {
    const { manifest, threads, channelShape, numSlots, clientBell } = options;
    const neverWaits = new Doorbell(); // the engine's thread looks at its channels when it has nothing else to do
    const channels = Array.from({ length: numSlots }, () => ExpertChannel.create(channelShape, neverWaits, clientBell).buffers);
    this.ownHost = { shards: shardsBetween(0, numOwnShards(manifest, threads)), channels };
    this.pool = this.start();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await (await this.pool)?.close();
  }

  private async start(): Promise<ExpertPool | null> {
    const { onChange, onFailure, ...options } = this.options;
    const onProgress = (opened: number, total: number): void => {
      onChange([{ address: 'local', state: 'loading', detail: `${opened} of ${total} experts open`, shards: [], channels: [] }]);
    };
    const shards = shardsBetween(this.ownHost.shards.length, options.manifest.numShards);
    const threads = options.threads - 1;
    try {
      const pool = await ExpertPool.start({ ...options, threads, shards, onProgress, onFailure, signal: this.closing.signal });
      const hosts = [this.ownHost, ...pool.hosts].filter((host) => host.shards.length > 0);
      onChange(hosts.map((host, index) => ({ ...host, address: `local-${index}`, state: 'ready', detail: '' })));
      return pool;
    } catch (error) {
      if (!this.closing.signal.aborted) onFailure(error instanceof Error ? error : new Error(String(error)));
      return null;
    }
  }
}

function shardsBetween(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, offset) => first + offset);
}

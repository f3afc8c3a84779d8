import type { RingmeshError } from '@ringmesh/core';
import { assignShards } from '@ringmesh/placement';
import { type ChannelBuffers, type ChannelShape, Doorbell, ExpertChannel } from '@ringmesh/protocol';
import type { PackManifest } from '@ringmesh/weights';
import { countSessions } from './expert-store.js';
import type { ExpertThreadData } from './expert-thread.js';
import { ExpertThreadHandle } from './expert-thread-handle.js';

export interface ExpertPoolOptions {
  packDir: string;
  manifest: PackManifest;
  shards: number[];
  /** Compute threads; a thread owns whole shards, so no more are started than there are shards. */
  threads: number;
  channelShape: ChannelShape;
  /** Channels of each thread: how many micro-batches it may hold at once. */
  numSlots: number;
  /** The bell that all channels ring when they have an answer. */
  clientBell: Doorbell;
  onProgress?: (opened: number, total: number) => void;
  /** A thread ended by itself after the start; its channels fail from then on. */
  onFailure: (error: RingmeshError) => void;
  /** Gives up the start: the threads stop, however much is still to be loaded. */
  signal?: AbortSignal;
}

/** One compute thread as a client sees it. */
export interface PooledHost {
  shards: number[];
  /** One per slot. */
  channels: ChannelBuffers[];
}

/** Compute threads of this process that serve the experts of some shards through shared memory. */
export class ExpertPool {
  private constructor(
    readonly hosts: PooledHost[],
    private readonly threads: ExpertThreadHandle[],
  ) {}

  /**
   * Starts the threads and waits until all of them serve.
   * @throws the error of the first thread that fails, after the others were stopped
   */
  static async start(options: ExpertPoolOptions): Promise<ExpertPool> {
    const { packDir, manifest, shards, channelShape, numSlots, clientBell, onProgress, onFailure, signal } = options;
    const total = countSessions(manifest, shards);
    let opened = 0;
    const hosts: PooledHost[] = [];
    const threads = assignShards(shards.length, Math.min(options.threads, shards.length)).map((indices, thread) => {
      const ownShards = indices.map((index) => shards[index]!);
      const serverBell = new Doorbell();
      const channels = Array.from({ length: numSlots }, () => ExpertChannel.create(channelShape, serverBell, clientBell));
      hosts.push({ shards: ownShards, channels: channels.map((channel) => channel.buffers) });
      const name = `Expert thread ${thread} (shard ${ownShards.join(', ')})`;
      const workerData: ExpertThreadData = {
        packDir,
        manifest,
        shards: ownShards,
        maxTokens: channelShape.maxTokens,
        channels: channels.map(({ buffers }) => buffers),
      };
      const script = new URL('./expert-thread.js', import.meta.url);
      return new ExpertThreadHandle(name, channels, { onFailure, onProgress: () => onProgress?.(++opened, total) }, { script, workerData });
    });
    const pool = new ExpertPool(hosts, threads);
    signal?.addEventListener('abort', () => void pool.close());
    try {
      await Promise.all(threads.map((thread) => thread.ready));
      signal?.throwIfAborted();
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** Stops all threads; requests still under way fail. */
  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }
}

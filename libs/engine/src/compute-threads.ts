import { availableParallelism } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import type { RingmeshError } from '@ringmesh/core';
import { countSessions, ExpertThreadHandle, type PooledHost } from '@ringmesh/experts';
import type { KvCacheDtype } from '@ringmesh/kv-cache';
import { allocateSharedMemory, JobChannel, type RankLink, type SharedMemory } from '@ringmesh/model';
import { type ChannelShape, Doorbell, ExpertChannel } from '@ringmesh/protocol';
import type { PackManifest } from '@ringmesh/weights';
import type { ComputeThreadData } from './compute-thread.js';
import { planThreads, ranksOfExperts } from './plan-threads.js';

export interface ComputeThreadsOptions {
  packDir: string;
  manifest: PackManifest;
  /** Compute threads, the engine's own among them. */
  threads: number;
  /** Shards that these threads compute; none where workers have them all. */
  shards: number[];
  /** Whether nobody else computes experts. */
  expertsAreLocal: boolean;
  channelShape: ChannelShape;
  /** Rows that logits are wanted of at once. */
  maxLogitRows: number;
  kvCacheBytes: number;
  kvCacheDtype: KvCacheDtype;
  /** Micro-batches that may be in flight at once. */
  numSlots: number;
  /** Rung when an answer or a job is there. */
  clientBell: Doorbell;
  /** Told while local experts load. */
  onProgress: (opened: number, total: number) => void;
  /** A thread ended by itself after the start. */
  onFailure: (error: RingmeshError) => void;
}

/** Longer than the pauses of a thread within a layer. */
const SPIN_MS = 0.5;

/** What the engine's own thread needs of the others: plain data and ports. */
export interface EngineRank {
  links: RankLink[];
  memory: SharedMemory;
  rankOfExpert: Int32Array; // [E]
}

/** The compute threads of the router beside the engine's own: each has shards of the experts, where they are local, and parts of the router. */
export class ComputeThreads {
  /** What the engine's thread computes by itself. */
  readonly ownHost: PooledHost;
  /** What the other threads compute. */
  readonly otherHosts: PooledHost[] = [];
  readonly engineRank: EngineRank;
  /** Resolves when all of them serve, rejects with the error of the first that cannot. */
  readonly ready: Promise<void>;
  /** How long these threads, and the engine's, look for work before they sleep. */
  readonly spinMs: number;
  private readonly threads: ExpertThreadHandle[] = [];

  constructor(private readonly options: ComputeThreadsOptions) {
    const { manifest, threads, shards, expertsAreLocal, channelShape, maxLogitRows, numSlots, kvCacheBytes, kvCacheDtype } = options;
    const [own, ...others] = planThreads(manifest, threads, shards);
    // Where all the work of a step is on these threads, the cores have nothing else to do.
    this.spinMs = expertsAreLocal && others.length > 0 && threads <= availableParallelism() ? SPIN_MS : 0;
    const sizes = { maxTokens: channelShape.maxTokens, maxRows: maxLogitRows, numSlots, kvCacheBytes, kvCacheDtype };
    const memory = allocateSharedMemory(manifest, sizes);
    this.engineRank = { links: [], memory, rankOfExpert: ranksOfExperts(manifest, [own!, ...others]) };
    const neverWaits = new Doorbell(); // the engine's thread looks at its channels when it has nothing else to do
    this.ownHost = { shards: own!.shards, channels: this.createChannels(neverWaits).map(({ buffers }) => buffers) };
    const numRanks = 1 + others.filter(({ rank }) => rank !== null).length;
    const total = countSessions(
      manifest,
      others.flatMap((plan) => plan.shards),
    );
    let opened = 0;
    for (const plan of others) this.start(plan.rank, numRanks, plan.shards, () => options.onProgress(++opened, total));
    this.ready = Promise.all(this.threads.map((thread) => thread.ready)).then(() => undefined);
    this.ready.catch(() => this.close()); // whoever waits for it hears why
  }

  /** Stops all of them, after what is at hand. */
  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }

  private start(rank: number | null, numRanks: number, shards: number[], onProgress: () => void): void {
    const { packDir, manifest, channelShape, kvCacheDtype, onFailure } = this.options;
    const bell = new Doorbell();
    const channels = this.createChannels(bell);
    if (shards.length > 0) this.otherHosts.push({ shards, channels: channels.map(({ buffers }) => buffers) });
    const link = rank === null ? null : this.createLink(bell);
    const { memory } = this.engineRank;
    const workerData: ComputeThreadData = {
      packDir,
      manifest,
      maxTokens: channelShape.maxTokens,
      spinMs: this.spinMs,
      shards,
      channels: channels.map(({ buffers }) => buffers),
      share: link === null ? null : { rank: rank!, numRanks, kvCacheDtype, link, memory },
    };
    const script = new URL('./compute-thread.js', import.meta.url);
    const name = `Compute thread ${this.threads.length + 1}`;
    const start = { script, workerData, transferList: link === null ? [] : [link.port] };
    const tellFailure = (error: RingmeshError): void => {
      // Nobody waits for a thread that is gone.
      for (const buffers of link?.jobs ?? []) new JobChannel(buffers).fail(error.message);
      onFailure(error);
    };
    this.threads.push(new ExpertThreadHandle(name, channels, { onFailure: tellFailure, onProgress }, start));
  }

  /** @returns the thread's end; the engine's is kept for it */
  private createLink(bell: Doorbell): RankLink {
    const { numSlots, clientBell } = this.options;
    const { port1, port2 } = new MessageChannel();
    const jobs = Array.from({ length: numSlots }, () => JobChannel.create(bell, clientBell));
    this.engineRank.links.push({ port: port1, jobs });
    return { port: port2, jobs };
  }

  private createChannels(serverBell: Doorbell): ExpertChannel[] {
    const { channelShape, numSlots, clientBell } = this.options;
    return Array.from({ length: numSlots }, () => ExpertChannel.create(channelShape, serverBell, clientBell));
  }
}

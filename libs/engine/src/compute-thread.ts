import { parentPort, workerData } from 'node:worker_threads';
import { errorToMessage, ShuttingDownError } from '@ringmesh/core';
import { ExpertStore, type ExpertThreadMessage, serveWaiting } from '@ringmesh/experts';
import type { KvCacheDtype } from '@ringmesh/kv-cache';
import { ModelRank, type RankLink, RankWorker, type SharedMemory } from '@ringmesh/model';
import { type ChannelBuffers, Doorbell, ExpertChannel } from '@ringmesh/protocol';
import { PackLayout, type PackManifest } from '@ringmesh/weights';

/** What a compute thread of the router is started with. */
export interface ComputeThreadData {
  packDir: string;
  manifest: PackManifest;
  /** T of a micro-batch at most. */
  maxTokens: number;
  /** Routed experts that it computes. */
  shards: number[];
  /** How long the thread looks for work before it sleeps. */
  spinMs: number;
  /** One per slot; closed, they end the thread. */
  channels: ChannelBuffers[];
  /** Its share of the router's own work; null where it computes experts only. */
  share: { rank: number; numRanks: number; kvCacheDtype: KvCacheDtype; link: RankLink; memory: SharedMemory } | null;
}

const { channels: buffers, share, ...data } = workerData as ComputeThreadData;
const channels = buffers.map((each) => new ExpertChannel(each));
const post = (message: ExpertThreadMessage): void => parentPort!.postMessage(message);

/** @throws ShuttingDownError when the channels were closed meanwhile: nobody wants what is being opened */
function stopIfClosed(): void {
  if (channels.some((channel) => channel.isClosed)) throw new ShuttingDownError('The compute threads were closed while they loaded');
}

function openStore(): ExpertStore | null {
  if (data.shards.length === 0) return null;
  const onProgress = (): void => {
    stopIfClosed();
    post({ type: 'progress' });
  };
  return ExpertStore.open({ ...data, onProgress });
}

function openRank(): RankWorker | null {
  if (share === null) return null;
  const { config, numParts } = data.manifest;
  const { rank, numRanks, kvCacheDtype, link, memory } = share;
  const layout = new PackLayout(data.packDir);
  const options = { config, layout, numParts, rank, numRanks, kvCacheDtype, blocks: memory.blocks, onProgress: stopIfClosed };
  return new RankWorker(ModelRank.open(options), link, memory);
}

try {
  const store = openStore();
  const rank = openRank();
  post({ type: 'ready' });
  const bell = new Doorbell(buffers[0]!.serverBell, data.spinMs);
  for (;;) {
    // Read before anything is looked at: work that comes after the look changes it, and nobody sleeps through.
    const seen = bell.value;
    if (channels.every((channel) => channel.isClosed)) break;
    const hasServed = [store !== null && serveWaiting(store, channels), rank?.serve() ?? false].includes(true);
    if (!hasServed) bell.wait(seen);
  }
  store?.close();
  rank?.close();
} catch (error) {
  post({ type: 'failed', error: errorToMessage(error) });
}

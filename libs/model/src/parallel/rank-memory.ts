import { allocateBlockMemory, type KvCacheDtype } from '@ringmesh/kv-cache';
import type { Doorbell } from '@ringmesh/protocol';
import type { PackManifest } from '@ringmesh/weights';
import { cacheLayout } from '../attention-kinds.js';
import type { RankLink, SharedMemory } from './rank-worker.js';
import { SharedActivations } from './shared-activations.js';

/** The compute threads that share the router's work with the engine's. */
export interface OtherRanks {
  links: RankLink[];
  memory: SharedMemory;
  leaderBell: Doorbell;
  /** The rank that computes each expert, −1 where it is none of them. */
  rankOfExpert: Int32Array; // [E]
}

export interface SharedMemorySizes {
  /** T of a micro-batch at most. */
  maxTokens: number;
  /** N: rows that logits are wanted of at once. */
  maxRows: number;
  /** Micro-batches that may be in flight at once. */
  numSlots: number;
  /** What all sequences' keys, values and states may take together. */
  kvCacheBytes: number;
  kvCacheDtype: KvCacheDtype;
}

/** Pages are taken only once they are written. */
export function allocateSharedMemory(
  { config, numParts }: PackManifest,
  { maxTokens, maxRows, numSlots, kvCacheBytes, kvCacheDtype }: SharedMemorySizes,
): SharedMemory {
  const { hiddenSize, vocabSize } = config;
  const bytes = Float32Array.BYTES_PER_ELEMENT * maxRows;
  return {
    activations: Array.from({ length: numSlots }, () => SharedActivations.allocate({ hiddenSize, maxTokens, numParts })),
    blocks: allocateBlockMemory(cacheLayout(config, kvCacheDtype), kvCacheBytes),
    rows: new SharedArrayBuffer(hiddenSize * bytes),
    logits: new SharedArrayBuffer(vocabSize * bytes),
  };
}

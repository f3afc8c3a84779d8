import type { CacheLayout } from './cache-layout.js';

/**
 * The memory of all blocks, as plain data for every compute thread. It is WebAssembly's, so that kernels read keys and values where they are kept:
 * several memories where the limit is beyond the addresses of one. Each keeps a row of all its blocks together, for blocks that follow each other
 * are mostly one sequence's, and a processor reads ahead.
 */
export interface BlockMemory {
  memories: WebAssembly.Memory[];
  blocksPerMemory: number;
}

const PAGE_BYTES = 65_536;
/** Addresses have 32 bits. */
const MAX_PAGES = 65_536;

/** Addresses for as many blocks as there may be; pages are taken only once they are written. */
export function allocateBlockMemory({ blockBytes }: CacheLayout, byteLimit: number): BlockMemory {
  if (blockBytes === 0) return { memories: [], blocksPerMemory: Infinity };
  const numBlocks = Math.floor(byteLimit / blockBytes);
  const numMemories = Math.ceil((numBlocks * blockBytes) / (MAX_PAGES * PAGE_BYTES - blockBytes));
  const blocksPerMemory = Math.ceil(numBlocks / Math.max(1, numMemories));
  const pages = Math.ceil((blocksPerMemory * blockBytes) / PAGE_BYTES);
  const memories = Array.from({ length: numMemories }, () => new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }));
  return { memories, blocksPerMemory };
}

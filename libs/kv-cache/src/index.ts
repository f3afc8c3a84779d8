export { allocateBlockMemory, type BlockMemory } from './block-memory.js';
export { BLOCK_TOKENS, CacheLayout, type LayerMemory } from './cache-layout.js';
export { type BlockSpan, type CacheMemory, CacheView, type RowAddress } from './cache-view.js';
export * from './kv-cache-dtype.js';
export * from './kv-cache-pool.js';
export type { SequenceCache } from './sequence-cache.js';

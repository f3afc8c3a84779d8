export { type CacheMemory, CacheView, type KvCacheShape } from './cache-memory.js';
export * from './kv-cache-pool.js';
export type { SequenceCache } from './sequence-cache.js';

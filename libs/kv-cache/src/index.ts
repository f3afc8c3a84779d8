export * from './cache-layout.js';
export { type CacheMemory, CacheView } from './cache-view.js';
export * from './kv-cache-dtype.js';
export * from './kv-cache-pool.js';
export type { SequenceCache } from './sequence-cache.js';

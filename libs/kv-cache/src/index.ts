export * from './kv-cache-pool.js';
export type { SequenceCache } from './sequence-cache.js';

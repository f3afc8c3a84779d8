export * from './check-batch.js';
export * from './expert-pool.js';
export * from './expert-store.js';
export type { ExpertThreadMessage } from './expert-thread.js';
export * from './expert-thread-handle.js';
export * from './serve-channels.js';

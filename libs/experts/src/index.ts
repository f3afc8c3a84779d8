export * from './check-batch.js';
export * from './expert-pool.js';
export * from './expert-store.js';
export * from './serve-channels.js';

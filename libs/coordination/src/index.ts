export * from './clock.js';
export * from './lease-store.js';
export * from './memory-lease-store.js';
export * from './redis-lease-store.js';
export * from './worker-lease.js';
export * from './worker-record.js';
export * from './worker-registry.js';

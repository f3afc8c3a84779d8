export * from './dispatch-metrics.js';
export * from './engine-metrics.js';
export * from './http-metrics.js';
export * from './logger.js';
export * from './registry.js';
export * from './request-metrics.js';
export * from './shard-tokens.js';
export * from './worker-metrics.js';

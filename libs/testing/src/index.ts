export * from './golden.js';
export * from './tiny-experts.js';
export * from './redis-server.js';
export * from './cluster.js';

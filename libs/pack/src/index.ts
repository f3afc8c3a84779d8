export * from './pack-cache.js';
export * from './pack.js';

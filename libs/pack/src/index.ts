export type { ModelSource } from './model-source.js';
export * from './pack-cache.js';
export * from './pack.js';
export * from './synthetic/shapes.js';

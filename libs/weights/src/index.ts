export type * from './manifest.js';
export type * from './model-config.js';
export * from './pack-layout.js';

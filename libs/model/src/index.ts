export * from './graphs/attention-core.js';
export * from './graphs/attention-in.js';
export * from './graphs/attention-out.js';
export * from './graphs/embedding.js';
export * from './graphs/head.js';
export * from './graphs/rotary.js';
export * from './model.js';
export type * from './segment.js';

export * from './doorbell.js';
export type * from './expert-batch.js';
export * from './expert-channel.js';

export * from './scheduler.js';
export * from './sequence.js';

export type * from './generation.js';

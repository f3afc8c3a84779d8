export type * from './sampling-params.js';

export * from './data-file.js';
export * from './graph-builder.js';
export type { Matrix, Table } from './matrix.js';
export * from './session.js';
export * from './swiglu.js';
export * from './weighted-graph.js';

export * from './data-file.js';
export * from './graph-builder.js';
export { columnsOf, type Matrix, rowsOf, type Table } from './matrix.js';
export * from './session.js';
export * from './swiglu.js';
export * from './weighted-graph.js';

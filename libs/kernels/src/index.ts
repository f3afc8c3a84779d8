export * from './assembler.js';
export { Exponential } from './exponential.js';

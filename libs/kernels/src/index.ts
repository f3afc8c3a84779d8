export * from './assembler.js';
export { assembleWide } from './compile.js';
export { Exponential } from './exponential.js';
export * from './halves.js';

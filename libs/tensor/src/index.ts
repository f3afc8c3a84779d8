export * from './add-scaled.js';
export * from './convert.js';
export * from './dtype.js';
export type * from './quantization.js';
export * from './quantize-blocks.js';

export * from './golden.js';
export * from './tiny-experts.js';

export * from './graph-builder.js';
export * from './session.js';

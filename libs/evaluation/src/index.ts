export * from './answers.js';
export * from './compare.js';
export * from './divergence.js';
export { EvaluatedModel } from './evaluated-model.js';
export * from './tasks.js';

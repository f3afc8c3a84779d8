export { Checkpoint, type TensorInfo } from './checkpoint.js';
export { parseModelConfig, readModelConfig } from './config.js';
export * from './expected-tensors.js';
export { parseGenerationDefaults, readGenerationDefaults } from './generation-defaults.js';
export type * from './manifest.js';
export type * from './model-config.js';
export * from './pack-layout.js';
export * from './tensor-names.js';
export * from './validate-checkpoint.js';

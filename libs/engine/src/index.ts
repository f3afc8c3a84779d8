export { channelShapeOf } from './channel-shape.js';
export { type EngineCallbacks, EngineHandle } from './engine-handle.js';
export { Engine, type EngineParts } from './engine.js';
export type { EngineOptions } from './engine-options.js';
export type * from './generation.js';
export * from './kv-cache-dtype.js';
export * from './start-engine.js';
export type * from './step-report.js';
export type { WorkerStatus } from '@ringmesh/dispatch';

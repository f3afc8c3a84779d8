export { measureBandwidth } from './bandwidth.js';
export type { ControlGroupLimits } from './control-group.js';
export * from './hints.js';
export type * from './huge-pages.js';
export * from './machine.js';
export { readMappedFiles } from './mapped-files.js';
export * from './process-memory.js';
export type * from './processor.js';

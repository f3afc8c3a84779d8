export type * from './dispatch-stats.js';
export * from './dispatch-trace.js';
export * from './dispatcher.js';
export type { ExpertHost } from './expert-host.js';
export * from './grpc/index.js';

export { type HubName, HUBS } from './hub.js';
export * from './pull.js';
export * from './pull-options.js';
export type { PullProgress } from './pull-progress.js';
export { isPulled } from './pull-record.js';
export type { RetryTiming } from './retries.js';

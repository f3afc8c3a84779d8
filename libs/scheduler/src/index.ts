export { type Chunk, type Schedule, Scheduler, type SchedulerLimits } from './scheduler.js';
export * from './sequence.js';

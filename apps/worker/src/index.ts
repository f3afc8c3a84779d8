export { parseWorkerOptions, type RawWorkerOptions, type WorkerOptions } from './options.js';
export { type RunningWorker, startWorker } from './worker.js';

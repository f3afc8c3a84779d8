export { eventData } from './bench/event-lines.js';
export { type Schedule as LoadSchedule, runLoad } from './bench/load.js';
export { type Distribution, distributionOf, type RequestRecord } from './bench/metrics.js';
export { type RequestBody, streamRequest, type Target } from './bench/stream-request.js';
export { program } from './program.js';

export { parseRouterOptions, type RawRouterOptions, ROUTER_OPTIONS, type RouterOptions } from './options.js';
export { type RunningRouter, startRouter } from './start-router.js';

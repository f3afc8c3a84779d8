export { uniform } from './philox.js';
export type { TokenLogprob } from './logprobs.js';
export * from './sampler.js';
export type * from './sampling-params.js';

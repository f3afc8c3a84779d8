export { choiceSeed, uniform } from './philox.js';
export type { Logits } from './logits.js';
export type { ScoredToken, TokenLogprob } from './logprobs.js';
export { createProcessors } from './processors/create-processors.js';
export type { LogitsProcessor } from './processors/logits-processor.js';
export { tokenBits } from './processors/token-bits.js';
export type { TokenMask } from './processors/token-mask.js';
export * from './sampler.js';
export type * from './sampling-params.js';

import type { SamplingParams } from '@ringmesh/sampler';
import type { GenerationDefaults } from '@ringmesh/weights';
import type { GenerationFields } from './schemas/fields.js';

/** A seed for requests that bring none: any 48-bit integer. */
export function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 48);
}

/**
 * The request's sampling fields over the checkpoint's defaults (generation_config.json) over those that change nothing.
 * @param logprobs alternatives to report with each token; -1 for no log probabilities at all
 */
export function samplingParams(
  request: Pick<
    GenerationFields,
    'temperature' | 'top_p' | 'top_k' | 'min_p' | 'seed' | 'repetition_penalty' | 'frequency_penalty' | 'presence_penalty' | 'min_tokens'
  >,
  defaults: GenerationDefaults,
  logprobs: number,
): SamplingParams {
  const defaultTemperature = defaults.doSample === false ? 0 : (defaults.temperature ?? 1);
  return {
    temperature: request.temperature ?? defaultTemperature,
    topP: request.top_p ?? defaults.topP ?? 1,
    topK: Math.max(0, request.top_k ?? defaults.topK ?? 0), // -1 says "all" in vLLM's API
    minP: request.min_p ?? defaults.minP ?? 0,
    seed: request.seed ?? randomSeed(),
    logprobs,
    repetitionPenalty: request.repetition_penalty ?? defaults.repetitionPenalty ?? 1,
    frequencyPenalty: request.frequency_penalty ?? 0,
    presencePenalty: request.presence_penalty ?? 0,
    minTokens: request.min_tokens ?? 0,
  };
}

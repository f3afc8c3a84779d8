import type { GenerationFields } from './schemas/fields.js';
import type { Usage } from './schemas/responses.js';

/** What a stream tells of its usage. */
export interface StreamUsage {
  /** A last chunk with the usage; null in the others. */
  includeUsage: boolean;
  /** The usage so far in every chunk, besides. */
  continuousUsage: boolean;
}

/** As vLLM reads them: without include_usage, continuous_usage_stats says nothing. */
export function streamUsage(options: GenerationFields['stream_options']): StreamUsage {
  const includeUsage = options?.include_usage ?? false;
  return { includeUsage, continuousUsage: includeUsage && (options?.continuous_usage_stats ?? false) };
}

/** Of all prompts and choices of a request. */
export interface UsageCounts {
  promptTokens: number;
  /** Of the prompts: those that the prefix cache had. */
  cachedTokens: number;
  completionTokens: number;
  /** Of the completions: those of thoughts; undefined where nobody looked for thoughts. */
  reasoningTokens?: number;
}

export function usage({ promptTokens, cachedTokens, completionTokens, reasoningTokens }: UsageCounts): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
    ...(reasoningTokens === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}

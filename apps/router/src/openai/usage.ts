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

/** @param reasoningTokens those of the completion's that are thoughts; undefined where nobody looked for thoughts */
export function usage(promptTokens: number, completionTokens: number, reasoningTokens?: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...(reasoningTokens === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}

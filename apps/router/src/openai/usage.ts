import type { Usage } from './schemas/responses.js';

/** @param reasoningTokens those of the completion's that are thoughts; undefined where nobody looked for thoughts */
export function usage(promptTokens: number, completionTokens: number, reasoningTokens?: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...(reasoningTokens === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}

import type { PromptLogprobs } from '@ringmesh/engine';
import type { LoggedToken } from '../logprobs.js';

/** The tokens of a prompt as those of an answer are logged. @param scores undefined where log probabilities were not asked for */
export function promptTokens(promptIds: number[], scores: PromptLogprobs | undefined): LoggedToken[] {
  return promptIds.map((tokenId, index) => scores?.[index] ?? { tokenId, logprob: null });
}

import type { ServedModel } from '../../served-model.js';
import type { CompletionPrompt } from '../schemas/completion-request.js';

/**
 * The token ids of each prompt.
 * @throws InvalidRequestError for ids outside the vocabulary, ContextLengthExceededError for hopelessly long texts
 */
export function completionPrompts(model: ServedModel, prompt: CompletionPrompt): number[][] {
  if (isTokenIds(prompt)) return [checked(model, prompt)];
  const prompts = typeof prompt === 'string' ? [prompt] : prompt;
  return prompts.map((one) => (typeof one === 'string' ? model.encode(one, 'prompt') : checked(model, one)));
}

function isTokenIds(prompt: CompletionPrompt): prompt is number[] {
  return Array.isArray(prompt) && typeof prompt[0] === 'number';
}

function checked(model: ServedModel, tokenIds: number[]): number[] {
  model.checkTokenIds(tokenIds, 'prompt');
  return tokenIds;
}

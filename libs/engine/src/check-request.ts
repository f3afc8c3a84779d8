import { ContextLengthExceededError, InvalidRequestError } from '@ringmesh/core';
import type { GenerationRequest } from './generation.js';

/**
 * A request that breaks a rule would fail the step of every other request in it, so it is refused before it is queued.
 * @throws InvalidRequestError, ContextLengthExceededError
 */
export function checkRequest(request: GenerationRequest, model: { vocabSize: number; maxModelLen: number }): void {
  const { vocabSize, maxModelLen } = model;
  const { promptIds, maxTokens, priority = 0, timeoutSeconds = Infinity } = request;
  if (promptIds.length === 0) throw new InvalidRequestError('The prompt is empty: give at least one token', { field: 'prompt' });
  const stray = promptIds.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (stray !== undefined) {
    throw new InvalidRequestError(`The prompt has the token id ${stray}: ids are whole numbers from 0 to ${vocabSize - 1}`, {
      field: 'prompt',
    });
  }
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new InvalidRequestError(`max_tokens is ${maxTokens}: give a whole number from 1 on`, { field: 'max_tokens' });
  }
  if (!Number.isSafeInteger(priority)) {
    throw new InvalidRequestError(`priority is ${priority}: give a whole number, lower for sooner`, { field: 'priority' });
  }
  if (!(timeoutSeconds > 0)) {
    throw new InvalidRequestError(`timeout is ${timeoutSeconds}: give seconds, more than 0`, { field: 'timeout' });
  }
  if (promptIds.length + maxTokens > maxModelLen) {
    throw new ContextLengthExceededError(
      `The prompt has ${promptIds.length} tokens and max_tokens is ${maxTokens}; together they may be ${maxModelLen} at most`,
      { field: 'max_tokens' },
    );
  }
}

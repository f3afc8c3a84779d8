import type { PromptLogprobs } from '@ringmesh/engine';
import type { TextEvent } from '../../generation/generate-text.js';
import type { Indexed } from '../../generation/merge.js';
import type { LoggedToken } from '../logprobs.js';

/** The tokens of a prompt as those of an answer are logged. @param scores undefined where log probabilities were not asked for */
export function promptTokens(promptIds: number[], scores: PromptLogprobs | undefined): LoggedToken[] {
  return promptIds.map((tokenId, index) => scores?.[index] ?? { tokenId, logprob: null });
}

/** What is told with `max_tokens: 0`: the prompt. The engine computes a token nevertheless, of which nothing is told. */
export async function* promptOnly(events: AsyncGenerator<Indexed<TextEvent>, void>): AsyncGenerator<Indexed<TextEvent>, void> {
  for await (const { index, value } of events) {
    if (value.type === 'finished') yield { index, value: { type: 'finished', text: '', reason: 'length', stopReason: null } };
    else if (value.type !== 'token') yield { index, value };
  }
}

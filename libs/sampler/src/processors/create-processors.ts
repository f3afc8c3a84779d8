import type { SamplingParams } from '../sampling-params.js';
import { AllowedTokens } from './allowed-tokens.js';
import { BadWords } from './bad-words.js';
import { LogitBias } from './logit-bias.js';
import type { LogitsProcessor } from './logits-processor.js';
import { MinTokens } from './min-tokens.js';
import { OccurrencePenalties } from './occurrence-penalties.js';
import { RepetitionPenalty } from './repetition-penalty.js';
import { MaskedTokens, type TokenMask } from './token-mask.js';

/** What processors need to know of a sequence besides its sampling parameters. */
export interface SequenceRules {
  promptIds: readonly number[];
  /** Tokens that end it. */
  stopTokenIds: readonly number[];
  /** What a grammar allows; null without one. */
  mask: TokenMask | null;
}

/**
 * The processors of a new sequence, none where its parameters change no logit. They follow one another as in vLLM's V1 engine (docs.vllm.ai:
 * `vllm.v1.sample.sampler`, steps 3 to 6; the grammar's mask comes before the sampler there).
 */
export function createProcessors(params: SamplingParams, { promptIds, stopTokenIds, mask }: SequenceRules): LogitsProcessor[] {
  const { allowedTokens, badWords = [], minTokens = 0, logitBias = [] } = params;
  const { repetitionPenalty = 1, frequencyPenalty = 0, presencePenalty = 0 } = params;
  return [
    ...(mask === null ? [] : [new MaskedTokens(mask)]),
    ...(allowedTokens === undefined ? [] : [new AllowedTokens(allowedTokens)]),
    ...(badWords.length === 0 ? [] : [new BadWords(badWords)]),
    ...(minTokens === 0 ? [] : [new MinTokens(minTokens, stopTokenIds)]),
    ...(logitBias.length === 0 ? [] : [new LogitBias(logitBias)]),
    ...(repetitionPenalty === 1 ? [] : [new RepetitionPenalty(repetitionPenalty, promptIds)]),
    ...(frequencyPenalty === 0 && presencePenalty === 0 ? [] : [new OccurrencePenalties(frequencyPenalty, presencePenalty)]),
  ];
}

import type { SamplingParams } from '@ringmesh/engine';
import { tokenBits } from '@ringmesh/sampler';
import type { Tokenizer } from '@ringmesh/tokenizer';
import type { ServedModel } from '../served-model.js';
import type { LogitFields } from './schemas/logit-fields.js';

/**
 * What a request says of single tokens.
 * @throws InvalidRequestError for ids outside the vocabulary
 */
export function tokenRules(
  model: Pick<ServedModel, 'tokenizer' | 'vocabSize' | 'checkTokenIds'>,
  {
    logit_bias: biases,
    bad_words: badWords,
    allowed_token_ids: allowed,
  }: Pick<LogitFields, 'logit_bias' | 'bad_words' | 'allowed_token_ids'>,
): Pick<SamplingParams, 'logitBias' | 'badWords' | 'allowedTokens'> {
  const logitBias = Object.entries(biases ?? {}).map(([id, bias]) => [Number(id), bias] as const);
  model.checkTokenIds(
    logitBias.map(([id]) => id),
    'logit_bias',
  );
  model.checkTokenIds(allowed ?? [], 'allowed_token_ids');
  return {
    logitBias,
    badWords: (badWords ?? []).flatMap((word) => spellings(word, model.tokenizer)),
    allowedTokens: allowed == null ? undefined : tokenBits(allowed, model.vocabSize),
  };
}

/**
 * The tokens of a word at the beginning of a text and after a blank, as vLLM has them: the latter only where the blank makes another first
 * token of it, and not one more.
 */
function spellings(word: string, tokenizer: Tokenizer): number[][] {
  const bare = tokenizer.encode(word.trimStart());
  const afterBlank = tokenizer.encode(` ${word.trimStart()}`);
  return afterBlank.length === bare.length && afterBlank[0] !== bare[0] ? [bare, afterBlank] : [bare];
}

import type { JsonFields } from '@ringmesh/core';
import { MAX_TOKENS } from './tokenizer-files.js';

/** A token that is cut out of the text before the text is split and merged: `<role>`, `<think>`. */
export interface AddedToken {
  id: number;
  content: string;
  /** Left out of decoded text with `skipSpecialTokens`. */
  special: boolean;
}

const MAX_ADDED_TOKENS = 100_000;
const MAX_LENGTH = 1000;

/** Reads `added_tokens` of tokenizer.json. @throws TokenizerInvalidError where one is malformed or asks for what no Ring or Ling model does */
export function readAddedTokens(tokenizerJson: JsonFields): AddedToken[] {
  if (!tokenizerJson.has('added_tokens')) return [];
  return tokenizerJson.list('added_tokens', MAX_ADDED_TOKENS).map((fields) => {
    for (const flag of ['single_word', 'lstrip', 'rstrip']) {
      if (fields.optional(flag, (key) => fields.boolean(key))) fields.fail(flag, `must be false; ${flag} is not supported`);
    }
    return {
      id: fields.integer('id', 0, MAX_TOKENS - 1),
      content: fields.string('content', MAX_LENGTH),
      special: fields.boolean('special'),
    };
  });
}

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { TokenizerInvalidError, type JsonFields } from '@ringmesh/core';
import type { AddedToken } from './added-token.js';
import { withUnicodeCaseFolding } from './pre-tokenizer-regex.js';
import { TOKENIZER_JSON } from './tokenizer-files.js';

const MAX_REGEX_LENGTH = 10_000;
const MAX_STEPS = 16;

/**
 * What cuts a text into pieces, in order and without gaps: added tokens (the leftmost, of those the longest), and what the pre-tokenizer's
 * regexes make of the text between them. The work is the library's; its own BPE is not used, because it takes 6 s for a megabyte of spaces
 * (ours 0.3 s) on a thread that serves other requests too.
 * @throws TokenizerInvalidError where tokenizer.json asks for other steps than Split and ByteLevel
 */
export function createTextSplitter(tokenizerJson: JsonFields, addedTokens: readonly AddedToken[]): (text: string) => string[] {
  if (tokenizerJson.has('normalizer')) tokenizerJson.fail('normalizer', 'must be null; normalizers are not supported');
  const description = {
    added_tokens: addedTokens.map((token) => ({ ...token, normalized: false })),
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: readSplits(tokenizerJson.object('pre_tokenizer')) },
    model: { type: 'BPE', vocab: {}, merges: [] },
    post_processor: null,
    decoder: null,
  };
  try {
    const library = new HuggingFaceTokenizer(description, {});
    library.model = (pieces) => pieces;
    return (text) => library.tokenize(text);
  } catch (cause) {
    const field = `${TOKENIZER_JSON}: pre_tokenizer`;
    throw new TokenizerInvalidError(`${field} cannot be used (${String(cause)}); fetch the file again`, { field, cause });
  }
}

/** The Split steps. ByteLevel, which must come last, is left out: {@link BytePairEncoder} works on bytes. */
function readSplits(preTokenizer: JsonFields): object[] {
  preTokenizer.oneOf('type', ['Sequence']);
  const steps = preTokenizer.list('pretokenizers', MAX_STEPS);
  const byteLevel = steps.pop();
  if (byteLevel === undefined) preTokenizer.fail('pretokenizers', 'must end with ByteLevel');
  byteLevel.oneOf('type', ['ByteLevel']);
  for (const flag of ['add_prefix_space', 'use_regex']) {
    if (byteLevel.boolean(flag)) byteLevel.fail(flag, `must be false; ${flag} is not supported`);
  }
  return steps.map((step) => {
    step.oneOf('type', ['Split']);
    step.oneOf('behavior', ['Isolated']);
    if (step.boolean('invert')) step.fail('invert', 'must be false');
    const regex = step.object('pattern').string('Regex', MAX_REGEX_LENGTH);
    return { type: 'Split', pattern: { Regex: withUnicodeCaseFolding(regex) }, behavior: 'Isolated', invert: false };
  });
}

import type { JsonFields } from '@ringmesh/core';
import type { AddedToken } from './added-token.js';
import type { Merge } from './byte-pair-encoder.js';
import { CHARACTER_OF_BYTE } from './byte-level.js';
import { MAX_TOKENS } from './tokenizer-files.js';

/** The BPE model of tokenizer.json, its tokens as ids. */
export interface Vocabulary {
  /** [highest id + 1] model and added tokens as written in the file; ids without a token are undefined. */
  tokens: (string | undefined)[];
  /** [256] the token of each single byte. */
  idOfByte: Int32Array;
  /** In order of rank. */
  merges: Merge[];
}

/** @throws TokenizerInvalidError where the model is malformed or not a plain byte-level BPE */
export function readVocabulary(tokenizerJson: JsonFields, addedTokens: readonly AddedToken[]): Vocabulary {
  const model = tokenizerJson.object('model');
  model.oneOf('type', ['BPE']);
  for (const option of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix', 'ignore_merges']) {
    if (model.value(option)) model.fail(option, `must be null; ${option} is not supported`);
  }
  const vocab = model.object('vocab');
  const idOf = new Map(vocab.keys().map((token) => [token, vocab.integer(token, 0, MAX_TOKENS - 1)]));
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of [...idOf, ...addedTokens.map(({ content, id }) => [content, id] as const)]) {
    if (tokens[id] !== undefined && tokens[id] !== token) model.fail('vocab', `must give each id to one token; ${id} has two`);
    tokens[id] = token;
  }
  return { tokens, idOfByte: readByteIds(model, idOf), merges: readMerges(model, idOf) };
}

function readByteIds(model: JsonFields, idOf: ReadonlyMap<string, number>): Int32Array {
  return Int32Array.from(CHARACTER_OF_BYTE, (character, byte) => {
    return idOf.get(character) ?? model.fail('vocab', `must have a token for every byte; ${byte} has none`);
  });
}

function readMerges(model: JsonFields, idOf: ReadonlyMap<string, number>): Merge[] {
  const merges = model.value('merges');
  if (!Array.isArray(merges) || merges.length > MAX_TOKENS) model.fail('merges', `must be a list of at most ${MAX_TOKENS} merges`);
  return merges.map((merge: unknown, rank) => {
    const [left = '', right = ''] = splitMerge(merge);
    const id = (token: string): number => {
      return (
        idOf.get(token) ?? model.fail('merges', `must be pairs of tokens of the vocabulary; number ${rank} is ${JSON.stringify(merge)}`)
      );
    };
    return { left: id(left), right: id(right), merged: id(left + right) };
  });
}

/** Written as ["a", "b"], in older files as "a b". */
function splitMerge(merge: unknown): string[] {
  const parts: unknown[] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
  return parts.length === 2 ? parts.filter((part) => typeof part === 'string') : [];
}

import { fileURLToPath } from 'node:url';
import { Tokenizer } from '@ringmesh/tokenizer';
import { MatcherCache } from '../matcher/matcher-cache.js';
import type { GrammarMatcher } from '../matcher/grammar-matcher.js';
import { buildTokenTrie } from '../matcher/token-trie.js';
import { compileGrammar } from '../compile-grammar.js';
import type { GrammarSource, ThoughtPlace } from '../grammar-source.js';

/** The sample model's: 768 tokens, all bytes among them. */
export const tokenizer = await Tokenizer.load(fileURLToPath(new URL('../../../sample-model/ring-nano', import.meta.url)));
export const END_TOKEN = tokenizer.encode(tokenizer.eosText!)[0]!;
export const trie = buildTokenTrie(tokenizer, tokenizer.vocabSize);

const cache = new MatcherCache();

export function matcherOf(source: GrammarSource, thought: ThoughtPlace = 'none'): GrammarMatcher {
  return cache.matcher(compileGrammar(source, thought), trie, [END_TOKEN]);
}

export function isAllowed(mask: Uint32Array, token: number): boolean {
  return ((mask[token >> 5]! >>> (token & 31)) & 1) === 1;
}

/** The tokens of a mask, in ascending order. */
export function allowedTokens(mask: Uint32Array): number[] {
  return Array.from({ length: tokenizer.vocabSize }, (_, token) => token).filter((token) => isAllowed(mask, token));
}

/** Whether the matcher allows each of the tokens in turn, and the end after them. */
export function acceptsTokens(matcher: GrammarMatcher, tokens: readonly number[]): boolean {
  for (const token of tokens) {
    if (!isAllowed(matcher.mask(), token)) return false;
    matcher.accept(token);
  }
  return isAllowed(matcher.mask(), END_TOKEN);
}

/** Whether a text may be a reply, in the tokens that the tokenizer makes of it. */
export function accepts(source: GrammarSource, text: string, thought: ThoughtPlace = 'none'): boolean {
  return acceptsTokens(matcherOf(source, thought), tokenizer.encode(text));
}

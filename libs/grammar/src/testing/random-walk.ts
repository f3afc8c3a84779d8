import type { GrammarMatcher } from '../matcher/grammar-matcher.js';
import { allowedTokens, END_TOKEN, tokenizer } from './vocabulary.js';

/** After so many tokens, those that close something go first. */
const PATIENCE = 40;
const LIMIT = 4_000;
const CLOSING = /^["\]}]|^\d$|^,|^:/;

/**
 * A reply that takes any allowed token. @param random in [0, 1), a number a call
 * @returns undefined where it does not come to an end
 */
export function randomReply(matcher: GrammarMatcher, random: () => number): string | undefined {
  const tokens: number[] = [];
  while (tokens.length < LIMIT) {
    if (matcher.isComplete) return tokenizer.decode(tokens);
    const token = choose(allowedTokens(matcher.mask()), tokens.length, random);
    if (token === END_TOKEN) return tokenizer.decode(tokens);
    matcher.accept(token);
    tokens.push(token);
  }
  return undefined;
}

function choose(allowed: readonly number[], length: number, random: () => number): number {
  if (allowed.length === 0) throw new Error('no token is allowed');
  const any = (tokens: readonly number[]): number => tokens[Math.floor(random() * tokens.length)]!;
  if (length < PATIENCE) return any(allowed);
  if (allowed.includes(END_TOKEN)) return END_TOKEN;
  for (const closing of [/^\}/, /^\]/, /^"/, CLOSING]) {
    const closers = allowed.filter((token) => closing.test(tokenizer.tokenText(token)));
    if (closers.length > 0 && random() < 0.9) return any(closers);
  }
  return any(allowed);
}

/** Numbers in [0, 1) by a linear congruential generator (Numerical Recipes' constants). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

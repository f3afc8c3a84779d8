import type { Logits } from './logits.js';

/** A token and its log probability under the model's own distribution (temperature 1, nothing cut). */
export interface TokenLogprob {
  tokenId: number;
  logprob: number;
}

/** A token beside the most probable ones. */
export interface DescribedToken extends TokenLogprob {
  /** Best first; the token itself may not be among them. */
  topLogprobs: TokenLogprob[];
}

/** A token of a prompt. */
export interface ScoredToken extends DescribedToken {
  /** Its place among all tokens, most probable first; 1 is the best. */
  rank: number;
}

/** @param logits as the model gave them; @param numAlternatives how many of the most probable tokens to tell */
export function describeToken(logits: Logits, tokenId: number, numAlternatives: number): DescribedToken {
  const normalizer = logits.logSumExp();
  const withLogprob = (id: number): TokenLogprob => ({ tokenId: id, logprob: logits.values[id]! - normalizer });
  return { ...withLogprob(tokenId), topLogprobs: topTokens(logits.values, numAlternatives).map(withLogprob) };
}

/** 1 for the best token; the lower id is the better one among equals. @param logits [V] */
export function rankOf(logits: Float32Array, tokenId: number): number {
  const own = logits[tokenId]!;
  let rank = 1;
  for (let other = 0; other < logits.length; other++) {
    if (logits[other]! > own || (logits[other] === own && other < tokenId)) rank++;
  }
  return rank;
}

/** The `count` tokens of the largest logits, best first, the lower id first among equals. One pass; `count` is small. @param logits [V] */
function topTokens(logits: Float32Array, count: number): number[] {
  const top: number[] = [];
  if (count === 0) return top;
  let bar = -Infinity; // what a token must exceed to come in
  for (let tokenId = 0; tokenId < logits.length; tokenId++) {
    if (logits[tokenId]! > bar) bar = insert(top, tokenId, logits, count);
  }
  return top;
}

/** Puts a token in its place, dropping the last of too many. @returns the next bar */
function insert(top: number[], tokenId: number, logits: Float32Array, count: number): number {
  const place = top.findLastIndex((better) => logits[better]! >= logits[tokenId]!) + 1;
  top.splice(place, 0, tokenId);
  top.length = Math.min(top.length, count);
  return top.length < count ? -Infinity : logits[top.at(-1)!]!;
}

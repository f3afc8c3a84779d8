import { expNegative, stepOf } from './exp-table.js';

/** A token and its log probability under the model's own distribution (temperature 1, nothing cut). */
export interface TokenLogprob {
  tokenId: number;
  logprob: number;
}

/** log Σ exp(logit): subtracted from a logit it gives the token's log probability. @param max the largest logit */
export function logSumExp(logits: Float32Array, max: number): number {
  let sum = 0;
  for (let tokenId = 0; tokenId < logits.length; tokenId++) {
    const nats = max - logits[tokenId]!;
    sum += expNegative(nats, stepOf(nats));
  }
  return max + Math.log(sum);
}

/** The `count` tokens of the largest logits, best first, the lower id first among equals. One pass; `count` is small. */
export function topTokens(logits: Float32Array, count: number): number[] {
  const top: number[] = [];
  let bar = count === 0 ? Infinity : -Infinity; // what a token must exceed to come in
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

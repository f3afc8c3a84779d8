import type { Machine } from '../machine/machine.js';

/** Pairs of states to look at before two are taken for different: less than a walk through the vocabulary. */
const MAX_PAIRS = 2_000;

/**
 * Whether two states of deterministic rules do the same with any text of at most so many bytes. May say no where they do.
 * @returns how many pairs it took, too
 */
export function agree(
  { edgeStart, edgeLow, edgeHigh, edgeTarget, flags }: Machine,
  a: number,
  b: number,
  numBytes: number,
): { isSame: boolean; numPairs: number } {
  const numStates = flags.length;
  const pairs = [a * numStates + b]; // in the order in which they are reached: those after fewer bytes first
  const seen = new Set(pairs);
  let levelEnd = 1;
  for (let bytes = 0, next = 0; next < pairs.length && bytes <= numBytes; next++) {
    if (next === levelEnd) {
      bytes++;
      levelEnd = pairs.length;
    }
    const [left, right] = [Math.floor(pairs[next]! / numStates), pairs[next]! % numStates];
    if (left === right) continue;
    const [from, to] = [edgeStart[left]!, edgeStart[right]!];
    const count = edgeStart[left + 1]! - from;
    if (flags[left] !== flags[right] || count !== edgeStart[right + 1]! - to) return { isSame: false, numPairs: pairs.length };
    for (let edge = 0; edge < count; edge++) {
      if (edgeLow[from + edge] !== edgeLow[to + edge] || edgeHigh[from + edge] !== edgeHigh[to + edge]) {
        return { isSame: false, numPairs: pairs.length };
      }
      const pair = edgeTarget[from + edge]! * numStates + edgeTarget[to + edge]!;
      if (seen.has(pair)) continue;
      if (pairs.length >= MAX_PAIRS) return { isSame: false, numPairs: MAX_PAIRS };
      seen.add(pair);
      pairs.push(pair);
    }
  }
  return { isSame: true, numPairs: pairs.length };
}

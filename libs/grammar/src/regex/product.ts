import type { Budget } from '../machine/budget.js';
import type { Dfa } from './dfa.js';
import { explore } from './explore.js';

/** No state: what has come is no beginning of a text that the automaton accepts. */
const DEAD = -1;

/**
 * What both automata accept (`both`), or the first one and not the second (`without`).
 * @returns undefined where that is nothing
 * @throws GrammarTooComplexError
 */
export function product(a: Dfa, b: Dfa, kind: 'both' | 'without', budget: Budget): Dfa | undefined {
  return explore<readonly [number, number]>(
    {
      start: [a.start, b.start],
      keyOf: ([left, right]) => left * (b.edges.length + 1) + right + 1,
      edgesOf: ([left, right], edge) => {
        eachOverlap(a.edges[left]!, right === DEAD ? [] : b.edges[right]!, budget, (low, high, leftTarget, rightTarget) => {
          if (kind === 'without' || rightTarget !== DEAD) edge(low, high, [leftTarget, rightTarget]);
        });
      },
      accepts: ([left, right]) => a.accepts[left]! && (right !== DEAD && b.accepts[right]!) === (kind === 'both'),
    },
    budget,
  );
}

/**
 * What an automaton accepts of so many characters.
 * @param character accepts the bytes of one character
 * @returns undefined where that is nothing
 */
export function withLength(a: Dfa, character: Dfa, min: number, max: number, budget: Budget): Dfa | undefined {
  return explore<readonly [state: number, within: number, count: number]>(
    {
      start: [a.start, character.start, 0],
      keyOf: (state) => state.join(),
      edgesOf: ([state, within, count], edge) => {
        eachOverlap(a.edges[state]!, character.edges[within]!, budget, (low, high, target, next) => {
          if (next === DEAD || count === max) return;
          const isWhole = character.accepts[next]!;
          // Beyond the minimum all counts are alike where there is no maximum.
          const counted = max === Infinity ? Math.min(count + 1, min) : count + 1;
          edge(low, high, isWhole ? [target, character.start, counted] : [target, next, count]);
        });
      },
      accepts: ([state, within, count]) => a.accepts[state]! && within === character.start && count >= min,
    },
    budget,
  );
}

/** Cuts the edges of `a` where those of `b` begin and end; bytes that `b` has no edge for go to {@link DEAD}. */
function eachOverlap(
  a: readonly number[],
  b: readonly number[],
  budget: Budget,
  take: (low: number, high: number, a: number, b: number) => void,
): void {
  budget.spend((a.length + b.length) / 3);
  let other = 0;
  for (let edge = 0; edge < a.length; edge += 3) {
    let low = a[edge]!;
    const [high, target] = [a[edge + 1]!, a[edge + 2]!];
    while (other < b.length && b[other + 1]! < low) other += 3;
    for (let next = other; low <= high; next += 3) {
      const [from, to] = next < b.length ? [b[next]!, b[next + 1]!] : [Infinity, Infinity];
      if (low < from) take(low, Math.min(high, from - 1), target, DEAD);
      if (from <= high) take(Math.max(low, from), Math.min(high, to), target, b[next + 2]!);
      low = Math.max(low, to + 1);
    }
  }
}

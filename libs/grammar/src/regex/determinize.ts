import type { Budget } from '../machine/budget.js';
import type { Dfa } from './dfa.js';
import { explore } from './explore.js';
import type { Nfa } from './nfa.js';

/** States of the nondeterministic automaton, in ascending order: one of the deterministic one. */
type Subset = readonly number[];

/** The subset construction. @returns undefined where nothing is accepted; @throws GrammarTooComplexError */
export function determinize(nfa: Nfa, budget: Budget): Dfa | undefined {
  const closures = new Closures(nfa, budget);
  return explore<Subset>(
    {
      start: closures.of([nfa.start]),
      keyOf: (subset) => (subset.length === 1 ? subset[0]! : subset.join()),
      edgesOf: (subset, edge) => eachEdge(nfa, subset, budget, (low, high, targets) => edge(low, high, closures.of(targets))),
      accepts: (subset) => subset.includes(nfa.end),
    },
    budget,
  );
}

/** What states reach without a byte. */
class Closures {
  private readonly ofOne = new Map<number, Subset>();
  private readonly seenAt: Int32Array;
  private round = 0;

  constructor(
    private readonly nfa: Nfa,
    private readonly budget: Budget,
  ) {
    this.seenAt = new Int32Array(nfa.edges.length);
  }

  of(states: readonly number[]): Subset {
    if (states.length > 1) return this.closure(states);
    let subset = this.ofOne.get(states[0]!);
    if (subset === undefined) this.ofOne.set(states[0]!, (subset = this.closure(states)));
    return subset;
  }

  /** Of the states reached, those that read a byte, and the end. */
  private closure(states: readonly number[]): Subset {
    const { edges, empty, end } = this.nfa;
    this.round++;
    const reached = states.filter((state) => this.isNew(state));
    for (let index = 0; index < reached.length; index++) {
      for (const next of empty[reached[index]!]!) if (this.isNew(next)) reached.push(next);
    }
    this.budget.spend(reached.length);
    return reached.filter((state) => state === end || edges[state]!.length > 0).sort((a, b) => a - b);
  }

  private isNew(state: number): boolean {
    if (this.seenAt[state] === this.round) return false;
    this.seenAt[state] = this.round;
    return true;
  }
}

/** The edges of several states, cut where those of one begin or end. */
function eachEdge(nfa: Nfa, subset: Subset, budget: Budget, take: (low: number, high: number, targets: readonly number[]) => void): void {
  const lists = subset.map((state) => nfa.edges[state]!).filter(({ length }) => length > 0);
  const all = lists.length === 1 ? lists[0]! : lists.flat(); // three numbers an edge
  if (lists.length <= 1) {
    for (let edge = 0; edge < all.length; edge += 3) take(all[edge]!, all[edge + 1]!, [all[edge + 2]!]);
    return;
  }
  const cuts = new Set<number>();
  for (let edge = 0; edge < all.length; edge += 3) cuts.add(all[edge]!).add(all[edge + 1]! + 1);
  const bounds = [...cuts].sort((a, b) => a - b);
  budget.spend((bounds.length * all.length) / 3);
  for (let index = 0; index + 1 < bounds.length; index++) {
    const low = bounds[index]!;
    const targets: number[] = [];
    for (let edge = 0; edge < all.length; edge += 3) if (all[edge]! <= low && low <= all[edge + 1]!) targets.push(all[edge + 2]!);
    if (targets.length > 0) take(low, bounds[index + 1]! - 1, targets);
  }
}

import { GrammarTooComplexError } from '@ringmesh/core';
import { type Budget, MAX_STATES } from '../machine/budget.js';
import { type Dfa, trim } from './dfa.js';

/** A deterministic automaton whose states are found as they are reached. */
export interface Reachable<State> {
  start: State;
  /** Equal for equal states. */
  keyOf(state: State): string | number;
  /** Tells the edges of a state in the order of their bytes; they do not overlap. */
  edgesOf(state: State, edge: (low: number, high: number, target: State) => void): void;
  accepts(state: State): boolean;
}

/** What a state costs to find and keep, in steps. */
const STATE_STEPS = 30;

/**
 * Finds all states from the start on, and keeps those that lead to an end.
 * @returns undefined where none does
 * @throws GrammarTooComplexError
 */
export function explore<State>(automaton: Reachable<State>, budget: Budget): Dfa | undefined {
  const states: State[] = [];
  const idOf = new Map<string | number, number>();
  const intern = (state: State): number => {
    const key = automaton.keyOf(state);
    let id = idOf.get(key);
    if (id === undefined) {
      budget.spend(STATE_STEPS);
      if (states.length >= MAX_STATES) throw new GrammarTooComplexError(`it needs more than ${MAX_STATES} states; simplify it`);
      idOf.set(key, (id = states.push(state) - 1));
    }
    return id;
  };
  const edges: number[][] = [];
  const start = intern(automaton.start);
  for (let id = 0; id < states.length; id++) {
    const own: number[] = [];
    automaton.edgesOf(states[id]!, (low, high, target) => {
      budget.spend(2);
      const to = intern(target);
      if (own.at(-1) === to && own.at(-2) === low - 1) own[own.length - 2] = high;
      else own.push(low, high, to);
    });
    edges.push(own);
  }
  return trim({ start, edges, accepts: states.map((state) => automaton.accepts(state)) });
}

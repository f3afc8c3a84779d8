import { GrammarInvalidError, GrammarTooComplexError } from '@ringmesh/core';
import type { Dfa } from '../regex/dfa.js';
import { type Budget, MAX_STATES } from './budget.js';
import { measureHeights } from './heights.js';
import { leftCallCycle } from './left-calls.js';
import { type Machine, MAX_NESTING, NEVER, StateFlag, UNLIMITED } from './machine.js';

/** Three numbers an edge: lowest byte, highest byte, target. */
export type Edges = readonly number[];
/** Two numbers a call: rule, state to return to. */
export type Calls = readonly number[];

/** Lists are made when something comes into them: most states have one kind of edge. */
interface StateParts {
  edges: number[] | null;
  empty: number[] | null;
  calls: number[] | null;
}

/** What a state costs to make, in steps. */
const STATE_STEPS = 10;

const utf8 = new TextEncoder();

/** Makes the states of a {@link Machine}, piece by piece: most methods lead from a state to a new one. */
export class MachineBuilder {
  private constructor(
    private readonly budget: Budget,
    private readonly states: StateParts[],
    private readonly flags: number[],
    private readonly ruleStart: number[],
    private readonly ruleMin: number[],
    private readonly ruleMax: number[],
  ) {}

  static empty(budget: Budget): MachineBuilder {
    return new MachineBuilder(budget, [], [], [], [], []);
  }

  /** Goes on from a finished part, whose states may be called and not changed. */
  static from(base: MachineBuilder, budget: Budget): MachineBuilder {
    return new MachineBuilder(budget, [...base.states], [...base.flags], [...base.ruleStart], [...base.ruleMin], [...base.ruleMax]);
  }

  get numStates(): number {
    return this.states.length;
  }

  /** @throws GrammarTooComplexError */
  state(flags = 0): number {
    this.budget.spend(STATE_STEPS);
    if (this.states.length >= MAX_STATES) throw new GrammarTooComplexError(`it needs more than ${MAX_STATES} states; simplify it`);
    this.states.push({ edges: null, empty: null, calls: null });
    return this.flags.push(flags) - 1;
  }

  /** A rule whose start comes later or is known. @param start -1: {@link setStart} follows */
  rule(start = -1, min = 0, max = UNLIMITED): number {
    this.ruleMin.push(min);
    this.ruleMax.push(max);
    return this.ruleStart.push(start) - 1;
  }

  setStart(rule: number, start: number): void {
    this.ruleStart[rule] = start;
  }

  startOf(rule: number): number {
    return this.ruleStart[rule]!;
  }

  edge(from: number, low: number, high: number, to: number): void {
    this.budget.spend(1);
    (this.states[from]!.edges ??= []).push(low, high, to);
  }

  skip(from: number, to: number): void {
    this.budget.spend(1);
    (this.states[from]!.empty ??= []).push(to);
  }

  call(from: number, rule: number, to = this.state()): number {
    this.budget.spend(1);
    (this.states[from]!.calls ??= []).push(rule, to);
    return to;
  }

  /** The text in UTF-8. @returns the state after it */
  literal(from: number, text: string, to?: number): number {
    const bytes = utf8.encode(text);
    let state = from;
    for (const [index, byte] of bytes.entries()) {
      const next = index === bytes.length - 1 && to !== undefined ? to : this.state();
      this.edge(state, byte, byte, next);
      state = next;
    }
    if (bytes.length === 0 && to !== undefined) this.skip(from, to);
    return to ?? state;
  }

  /** One of the texts, which share the states of their beginnings. */
  oneOf(from: number, texts: readonly string[], to: number): void {
    const next = new Map<string, number>(); // state and byte → state
    for (const text of new Set(texts)) {
      let state = from;
      for (const byte of utf8.encode(text)) {
        const key = `${state} ${byte}`;
        let target = next.get(key);
        if (target === undefined) {
          next.set(key, (target = this.state()));
          this.edge(state, byte, byte, target);
        }
        state = target;
      }
      this.skip(state, to);
    }
  }

  /** A rule that calls one of the rules. */
  choice(rules: readonly number[], rule = this.rule()): number {
    const start = this.state();
    const end = this.state(StateFlag.ACCEPTS);
    for (const option of new Set(rules)) this.call(start, option, end);
    this.setStart(rule, start);
    return rule;
  }

  /** Takes a deterministic automaton over. @returns a rule that reads what it accepts but the empty text */
  automaton(dfa: Dfa): number {
    const first = this.states.length;
    for (const accepts of dfa.accepts) this.state(StateFlag.LEAF | (accepts ? StateFlag.ACCEPTS : 0));
    for (const [index, edges] of dfa.edges.entries()) this.addEdges(first + index, edges, first);
    let start = first + dfa.start;
    if (dfa.accepts[dfa.start] === true) this.addEdges((start = this.state(StateFlag.LEAF)), dfa.edges[dfa.start]!, first);
    return this.rule(start);
  }

  private addEdges(from: number, edges: Edges, first: number): void {
    this.budget.spend(edges.length / 3);
    this.states[from]!.edges = edges.map((value, index) => (index % 3 === 2 ? first + value : value));
  }

  /** @throws GrammarInvalidError where a rule calls itself before it reads anything, or the root never ends */
  finish(root: number): Machine {
    const edges = flatten(this.states.map((state) => state.edges));
    const empty = flatten(this.states.map((state) => state.empty));
    const calls = flatten(this.states.map((state) => state.calls));
    const machine: Machine = {
      edgeStart: edges.starts.map((start) => start / 3),
      edgeLow: Uint8Array.from(column(edges.values, 3, 0)),
      edgeHigh: Uint8Array.from(column(edges.values, 3, 1)),
      edgeTarget: column(edges.values, 3, 2),
      emptyStart: empty.starts,
      emptyTarget: empty.values,
      callStart: calls.starts.map((start) => start / 2),
      callRule: column(calls.values, 2, 0),
      callReturn: column(calls.values, 2, 1),
      flags: Uint8Array.from(this.flags),
      height: new Uint16Array(this.states.length).fill(NEVER),
      ruleStart: Int32Array.from(this.ruleStart),
      ruleMin: Int32Array.from(this.ruleMin),
      ruleMax: Int32Array.from(this.ruleMax),
      root,
    };
    if (leftCallCycle(machine)) throw new GrammarInvalidError('a part of it refers to itself with nothing before it ("$ref" in a circle)');
    measureHeights(machine, this.budget);
    const height = machine.height[machine.ruleStart[root]!]!;
    if (height === NEVER) throw new GrammarInvalidError('no text that ends can fulfil it');
    if (height > MAX_NESTING) throw new GrammarTooComplexError(`it asks for values nested more than ${MAX_NESTING} deep`);
    return machine;
  }
}

/** Lists end to end, and where each begins. */
function flatten(lists: readonly (readonly number[] | null)[]): { values: Int32Array; starts: Int32Array } {
  const starts = new Int32Array(lists.length + 1);
  for (const [index, list] of lists.entries()) starts[index + 1] = starts[index]! + (list?.length ?? 0);
  const values = new Int32Array(starts[lists.length]!);
  for (const [index, list] of lists.entries()) if (list !== null) values.set(list, starts[index]);
  return { values, starts };
}

/** Every so many-th value. */
function column(values: Int32Array, width: number, offset: number): Int32Array {
  return Int32Array.from({ length: values.length / width }, (_, index) => values[index * width + offset]!);
}

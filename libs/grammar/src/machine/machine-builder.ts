import { GrammarInvalidError, GrammarTooComplexError } from '@ringmesh/core';
import type { Dfa } from '../regex/dfa.js';
import { type Budget, MAX_STATES } from './budget.js';
import { measureHeights } from './heights.js';
import { leftCallCycle } from './left-calls.js';
import { shared } from './shared.js';
import { type Machine, MAX_NESTING, NEVER, StateFlag, UNLIMITED } from './machine.js';

/** Three numbers an edge: lowest byte, highest byte, target. */
export type Edges = readonly number[];
/** Two numbers a call: rule, state to return to. */
export type Calls = readonly number[];

/** By state; null where it has none. */
type Lists = (number[] | null)[];

/** What a state costs to make, in steps. */
const STATE_STEPS = 10;

const utf8 = new TextEncoder();

/** Makes the states of a {@link Machine}, piece by piece: most methods lead from a state to a new one. */
export class MachineBuilder {
  private constructor(
    private readonly budget: Budget,
    private readonly edges: Lists,
    private readonly empty: Lists,
    private readonly calls: Lists,
    private readonly flags: number[],
    private readonly ruleStart: number[],
    private readonly ruleMin: number[],
    private readonly ruleMax: number[],
  ) {}

  static empty(budget: Budget): MachineBuilder {
    return new MachineBuilder(budget, [], [], [], [], [], [], []);
  }

  /** Goes on from a finished part, whose states may be called and not changed. */
  static from(base: MachineBuilder, budget: Budget): MachineBuilder {
    const { edges, empty, calls, flags, ruleStart, ruleMin, ruleMax } = base;
    return new MachineBuilder(budget, [...edges], [...empty], [...calls], [...flags], [...ruleStart], [...ruleMin], [...ruleMax]);
  }

  get numStates(): number {
    return this.flags.length;
  }

  /** @throws GrammarTooComplexError */
  state(flags = 0): number {
    this.budget.spend(STATE_STEPS);
    if (this.flags.length >= MAX_STATES) throw new GrammarTooComplexError(`it needs more than ${MAX_STATES} states; simplify it`);
    this.edges.push(null);
    this.empty.push(null);
    this.calls.push(null);
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
    (this.edges[from] ??= []).push(low, high, to);
  }

  skip(from: number, to: number): void {
    this.budget.spend(1);
    (this.empty[from] ??= []).push(to);
  }

  call(from: number, rule: number, to = this.state()): number {
    this.budget.spend(1);
    (this.calls[from] ??= []).push(rule, to);
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
    const first = this.numStates;
    for (const accepts of dfa.accepts) this.state(StateFlag.LEAF | (accepts ? StateFlag.ACCEPTS : 0));
    for (const [index, edges] of dfa.edges.entries()) this.addEdges(first + index, edges, first);
    let start = first + dfa.start;
    if (dfa.accepts[dfa.start] === true) this.addEdges((start = this.state(StateFlag.LEAF)), dfa.edges[dfa.start]!, first);
    return this.rule(start);
  }

  private addEdges(from: number, edges: Edges, first: number): void {
    this.budget.spend(edges.length / 3);
    this.edges[from] = edges.map((value, index) => (index % 3 === 2 ? first + value : value));
  }

  /** @throws GrammarInvalidError where a rule calls itself before it reads anything, or the root never ends */
  finish(root: number): Machine {
    const edges = flatten(this.edges, 3);
    const empty = flatten(this.empty, 1);
    const calls = flatten(this.calls, 2);
    const machine: Machine = {
      edgeStart: edges.starts,
      edgeLow: bytes(edges.columns[0]!),
      edgeHigh: bytes(edges.columns[1]!),
      edgeTarget: edges.columns[2]!,
      emptyStart: empty.starts,
      emptyTarget: empty.columns[0]!,
      callStart: calls.starts,
      callRule: calls.columns[0]!,
      callReturn: calls.columns[1]!,
      flags: bytes(this.flags),
      height: shared(Uint16Array, this.flags.length).fill(NEVER),
      ruleStart: numbers(this.ruleStart),
      ruleMin: numbers(this.ruleMin),
      ruleMax: numbers(this.ruleMax),
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

function bytes(values: ArrayLike<number>): Uint8Array {
  const array = shared(Uint8Array, values.length);
  array.set(values);
  return array;
}

function numbers(values: ArrayLike<number>): Int32Array {
  const array = shared(Int32Array, values.length);
  array.set(values);
  return array;
}

/** Lists of entries of `width` numbers, end to end: where each list begins, and the first, second, … numbers of all entries. */
function flatten(lists: Lists, width: number): { starts: Int32Array; columns: Int32Array[] } {
  const starts = shared(Int32Array, lists.length + 1);
  for (let state = 0; state < lists.length; state++) starts[state + 1] = starts[state]! + (lists[state]?.length ?? 0) / width;
  const columns = Array.from({ length: width }, () => shared(Int32Array, starts[lists.length]!));
  for (let state = 0; state < lists.length; state++) {
    const list = lists[state];
    if (list == null) continue;
    for (let index = 0; index < list.length; index++) columns[index % width]![starts[state]! + Math.floor(index / width)] = list[index]!;
  }
  return { starts, columns };
}

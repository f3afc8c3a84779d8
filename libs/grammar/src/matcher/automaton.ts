import type { Machine } from '../machine/machine.js';
import { StateFlag } from '../machine/machine.js';
import { Closure } from './closure.js';
import { type Frame, Frames } from './frame.js';
import { StateSet } from './state-set.js';
import { Work } from './work.js';

/** States of all sets and callers of all frames that are kept at most, some 100 bytes each; then all are forgotten and made again as needed. */
const MAX_KEPT = 100_000;
/** What a set takes besides its states: its table of 256 bytes. */
const SET_SIZE = 24;

/** Looking whether a state reads a byte costs so much less than following where it leads. */
const LOOKS_A_STATE = 8;

/** Runs a machine on bytes. Sets of states are made when a text first comes to them, and remembered: most steps are a look into a table. */
export class Automaton {
  readonly work = new Work();
  private readonly frames = new Frames(this.work);
  private first: StateSet | undefined;
  private sets = new Map<string, StateSet>();
  private setsSize = 0;
  private afterFrame = new WeakMap<Frame, StateSet>();
  private readableSets = new WeakMap<StateSet, StateSet>();

  constructor(
    readonly machine: Machine,
    private readonly maxKept = MAX_KEPT,
  ) {}

  /** Before the first byte. */
  start(): StateSet {
    if (this.first !== undefined) return this.first;
    const closure = this.closure();
    closure.add(this.machine.ruleStart[this.machine.root]!, 0, this.frames.of(this.machine.root, []));
    return (this.first = this.finish(closure));
  }

  /** @returns null where the byte may not come */
  next(set: StateSet, byte: number): StateSet | null {
    const known = set.next[byte];
    if (known !== undefined) return known;
    const { edgeStart, edgeLow, edgeHigh, edgeTarget } = this.machine;
    const closure = this.closure();
    this.work.spend(set.states.length / LOOKS_A_STATE);
    for (const { state, count, frame } of set.states) {
      for (let edge = edgeStart[state]!; edge < edgeStart[state + 1]!; edge++) {
        if (edgeLow[edge]! <= byte && byte <= edgeHigh[edge]!) closure.add(edgeTarget[edge]!, count, frame);
      }
    }
    const next = this.finish(closure);
    return (set.next[byte] = next.states.length === 0 && !next.canEnd ? null : next);
  }

  /** After the end of the call that a frame stands for. */
  after(frame: Frame): StateSet {
    let set = this.afterFrame.get(frame);
    if (set === undefined) {
      const closure = this.closure();
      for (const caller of frame.returns) closure.add(caller.state, caller.count, caller.frame);
      set = this.finish(closure);
      this.afterFrame.set(frame, set);
    }
    return set;
  }

  /** The states of a set whose rest is not a deterministic automaton. */
  branching(set: StateSet): StateSet {
    let part = this.readableSets.get(set);
    if (part === undefined) {
      const { flags } = this.machine;
      part = new StateSet(
        set.states.filter(({ state }) => (flags[state]! & StateFlag.LEAF) === 0),
        set.canEnd,
      );
      this.readableSets.set(set, part);
    }
    return part;
  }

  /** Lets go of everything but what is in use, which no longer leads to the rest. */
  forget(): void {
    for (const set of this.sets.values()) set.forget();
    this.sets = new Map();
    this.setsSize = 0;
    this.first = undefined;
    this.frames.forget();
    this.afterFrame = new WeakMap();
    this.readableSets = new WeakMap();
  }

  private closure(): Closure {
    if (this.setsSize + this.frames.numReturns > this.maxKept) this.forget();
    return new Closure(this.machine, this.frames, this.work);
  }

  private finish(closure: Closure): StateSet {
    const states = closure.run();
    const key = `${closure.canEnd}${states.map(({ state, count, frame }) => `${state},${count},${frame.id}`).join(';')}`;
    let set = this.sets.get(key);
    if (set === undefined) {
      this.sets.set(key, (set = new StateSet(states, closure.canEnd)));
      this.setsSize += SET_SIZE + states.length;
    }
    return set;
  }
}

import type { Machine } from '../machine/machine.js';
import { StateFlag } from '../machine/machine.js';
import { Closure } from './closure.js';
import { type Frame, Frames } from './frame.js';
import { StateSet } from './state-set.js';

/** Sets that are remembered at most; then all are forgotten and made again as they are needed. */
const MAX_SETS = 4_096;

/** Looking whether a state reads a byte costs so much less than following where it leads. */
const LOOKS_A_STATE = 8;

/** Runs a machine on bytes. Sets of states are made when a text first comes to them, and remembered: most steps are a look into a table. */
export class Automaton {
  /** How many states were looked at so far. */
  work = 0;
  private readonly frames = new Frames();
  private sets = new Map<string, StateSet>();
  private afterFrame = new WeakMap<Frame, StateSet>();
  private readableSets = new WeakMap<StateSet, StateSet>();

  constructor(readonly machine: Machine) {}

  /** Before the first byte. */
  start(): StateSet {
    const closure = this.closure();
    closure.add(this.machine.ruleStart[this.machine.root]!, 0, this.frames.of(this.machine.root, []));
    return this.finish(closure);
  }

  /** @returns null where the byte may not come */
  next(set: StateSet, byte: number): StateSet | null {
    const known = set.next[byte];
    if (known !== undefined) return known;
    const { edgeStart, edgeLow, edgeHigh, edgeTarget } = this.machine;
    const closure = this.closure();
    this.work += set.states.length / LOOKS_A_STATE;
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
      this.afterFrame.set(frame, (set = this.finish(closure)));
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

  /** Lets go of everything but what is in use. */
  forget(): void {
    this.sets = new Map();
    this.frames.forget();
    this.afterFrame = new WeakMap();
    this.readableSets = new WeakMap();
  }

  private closure(): Closure {
    return new Closure(this.machine, this.frames);
  }

  private finish(closure: Closure): StateSet {
    const states = closure.run();
    this.work += closure.work;
    const key = `${closure.canEnd}${states.map(({ state, count, frame }) => `${state},${count},${frame.id}`).join(';')}`;
    let set = this.sets.get(key);
    if (set === undefined) {
      if (this.sets.size >= MAX_SETS) this.forget();
      this.sets.set(key, (set = new StateSet(states, closure.canEnd)));
    }
    return set;
  }
}

import { type Machine, MAX_NESTING, NEVER, StateFlag, UNLIMITED } from '../machine/machine.js';
import type { Frame, Frames } from './frame.js';
import { OpenCalls } from './open-calls.js';
import type { RunState } from './state-set.js';
import type { Work } from './work.js';

const { ACCEPTS, COUNTS, NEEDS_ROOM, NEEDS_MIN } = StateFlag;
/** What {@link Closure.enter} says of a state that may not be entered. */
const REFUSED = -1;

/** A state that was entered, by all frames in which it was. */
interface Reached {
  state: number;
  count: number;
  frames: Set<Frame>;
}

/** Follows everything that reads no byte: empty edges, calls and returns. */
export class Closure {
  canEnd = false;
  private readonly reached = new Map<string, Reached>();
  private readonly queue: RunState[] = [];
  private readonly calls: OpenCalls;

  constructor(
    private readonly machine: Machine,
    frames: Frames,
    private readonly work: Work,
  ) {
    this.calls = new OpenCalls(frames);
  }

  /** Enters a state, if its rule's limits allow it. */
  add(state: number, count: number, frame: Frame): void {
    const entered = this.enter(state, count, frame);
    if (entered === REFUSED) return;
    const key = `${state},${entered},${frame.rule}`;
    const known = this.reached.get(key);
    if (known?.frames.has(frame) === true) return;
    if (known === undefined) this.reached.set(key, { state, count: entered, frames: new Set([frame]) });
    else known.frames.add(frame);
    this.queue.push({ state, count: entered, frame });
  }

  /** @returns the states that read a byte, in a fixed order. @throws GrammarTooComplexError */
  run(): RunState[] {
    for (let next = this.queue.pop(); next !== undefined; next = this.queue.pop()) this.follow(next);
    const { edgeStart } = this.machine;
    return Array.from(this.reached.values())
      .filter(({ state }) => edgeStart[state + 1]! > edgeStart[state]!)
      .map(({ state, count, frames }) => ({ state, count, frame: this.calls.union(frames) }))
      .sort((a, b) => a.state - b.state || a.count - b.count || a.frame.id - b.frame.id);
  }

  private follow({ state, count, frame }: RunState): void {
    const { flags, emptyStart, emptyTarget, callStart, callRule, callReturn, ruleStart, height } = this.machine;
    this.work.spend(1 + emptyStart[state + 1]! - emptyStart[state]! + callStart[state + 1]! - callStart[state]!);
    for (let edge = emptyStart[state]!; edge < emptyStart[state + 1]!; edge++) this.add(emptyTarget[edge]!, count, frame);
    for (let call = callStart[state]!; call < callStart[state + 1]!; call++) {
      const rule = callRule[call]!;
      const start = ruleStart[rule]!;
      const fits = height[start]! !== NEVER && frame.depth + 1 + height[start]! <= MAX_NESTING;
      if (!fits || this.enter(callReturn[call]!, count, frame) === REFUSED) continue;
      this.add(start, 0, this.calls.call(rule, { state: callReturn[call]!, count, frame }));
    }
    if ((flags[state]! & ACCEPTS) === 0) return;
    if (frame.returns.length === 0) this.canEnd = true;
    this.work.spend(frame.returns.length);
    for (const caller of frame.returns) this.add(caller.state, caller.count, caller.frame);
  }

  /** @returns the rule's counter in the state */
  private enter(state: number, count: number, { rule, depth }: Frame): number {
    const { flags, height, ruleMin, ruleMax } = this.machine;
    const [flag, min, max] = [flags[state]!, ruleMin[rule]!, ruleMax[rule]!];
    if (height[state]! === NEVER || depth + height[state]! > MAX_NESTING) return REFUSED;
    if ((flag & NEEDS_ROOM) !== 0 && count >= max) return REFUSED;
    if ((flag & NEEDS_MIN) !== 0 && count < min) return REFUSED;
    const counted = (flag & COUNTS) === 0 ? count : count + 1;
    if (counted > max) return REFUSED;
    return max === UNLIMITED ? Math.min(counted, min) : counted; // beyond the minimum all counts are alike
  }
}

import { type Machine, MAX_NESTING, NEVER, StateFlag, UNLIMITED } from '../machine/machine.js';
import type { Frame, Frames } from './frame.js';
import type { RunState } from './state-set.js';

const { ACCEPTS, COUNTS, NEEDS_ROOM, NEEDS_MIN } = StateFlag;
/** What {@link Closure.enter} says of a state that may not be entered. */
const REFUSED = -1;

/** Follows everything that reads no byte: empty edges, calls and returns. */
export class Closure {
  canEnd = false;
  /** How many states were looked at. */
  work = 0;
  private readonly reached = new Map<string, RunState>();
  private readonly queue: RunState[] = [];

  constructor(
    private readonly machine: Machine,
    private readonly frames: Frames,
  ) {}

  /** Enters a state, if its rule's limits allow it. */
  add(state: number, count: number, frame: Frame): void {
    const entered = this.enter(state, count, frame);
    if (entered === REFUSED) return;
    const key = `${state},${entered},${frame.rule}`;
    const known = this.reached.get(key);
    if (known === undefined) {
      const fresh = { state, count: entered, frame };
      this.reached.set(key, fresh);
      this.queue.push(fresh);
    } else {
      const merged = this.frames.merge(known.frame, frame);
      if (merged === known.frame) return;
      known.frame = merged;
      this.queue.push(known); // whatever follows from it must know the new callers
    }
  }

  /** @returns the states that read a byte, in a fixed order */
  run(): RunState[] {
    for (let next = this.queue.pop(); next !== undefined; next = this.queue.pop()) this.follow(next);
    const { edgeStart } = this.machine;
    return [...this.reached.values()]
      .filter(({ state }) => edgeStart[state + 1]! > edgeStart[state]!)
      .sort((a, b) => a.state - b.state || a.count - b.count || a.frame.id - b.frame.id);
  }

  private follow({ state, count, frame }: RunState): void {
    const { flags, emptyStart, emptyTarget, callStart, callRule, callReturn, ruleStart, height } = this.machine;
    this.work++;
    for (let edge = emptyStart[state]!; edge < emptyStart[state + 1]!; edge++) this.add(emptyTarget[edge]!, count, frame);
    for (let call = callStart[state]!; call < callStart[state + 1]!; call++) {
      const rule = callRule[call]!;
      const start = ruleStart[rule]!;
      const fits = height[start]! !== NEVER && frame.depth + 1 + height[start]! <= MAX_NESTING;
      if (!fits || this.enter(callReturn[call]!, count, frame) === REFUSED) continue;
      this.add(start, 0, this.frames.of(rule, [{ state: callReturn[call]!, count, frame }]));
    }
    if ((flags[state]! & ACCEPTS) === 0) return;
    if (frame.returns.length === 0) this.canEnd = true;
    this.work += frame.returns.length;
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

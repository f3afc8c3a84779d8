import type { Budget } from './budget.js';
import { type Machine, NEVER, StateFlag } from './machine.js';

/**
 * Fills `machine.height`: the least depth of calls with which a state's rule can end. A run that keeps `depth + height` within a limit never
 * comes where it cannot end. Goes backwards from the ends; a state is looked at again when one that it leads to has become lower.
 */
export function measureHeights(machine: Machine, budget: Budget): void {
  const { height, flags } = machine;
  const { starts, sources, calls } = dependents(machine);
  budget.spend(sources.length);
  const lowered: number[] = [];
  for (let state = 0; state < flags.length; state++) {
    if ((flags[state]! & StateFlag.ACCEPTS) === 0) continue;
    height[state] = 0;
    lowered.push(state);
  }
  for (let index = 0; index < lowered.length; index++) {
    const state = lowered[index]!;
    for (let entry = starts[state]!; entry < starts[state + 1]!; entry++) {
      const source = sources[entry]!;
      const least = calls[entry]! === NO_CALL ? height[state]! : heightOf(machine, calls[entry]!);
      budget.spend(1);
      if (least >= height[source]!) continue;
      height[source] = least;
      lowered.push(source);
    }
  }
}

const NO_CALL = -1;

/** Of a state that goes on with this call. */
function heightOf({ height, callRule, callReturn, ruleStart }: Machine, call: number): number {
  const inside = height[ruleStart[callRule[call]!]!]!;
  return inside === NEVER ? NEVER : Math.max(inside + 1, height[callReturn[call]!]!);
}

/**
 * Of state s: the states whose height depends on its own, `sources[starts[s]]` to `sources[starts[s + 1]]`, and the calls by which they do,
 * {@link NO_CALL} where it is an edge.
 */
function dependents(machine: Machine): { starts: Int32Array; sources: Int32Array; calls: Int32Array } {
  const starts = new Int32Array(machine.flags.length + 2); // one place on while they are filled
  eachDependence(machine, (_, target) => starts[target + 2]!++);
  for (let state = 2; state < starts.length; state++) starts[state]! += starts[state - 1]!;
  const sources = new Int32Array(starts.at(-1)!);
  const calls = new Int32Array(sources.length);
  eachDependence(machine, (source, target, call) => {
    const entry = starts[target + 1]!++;
    sources[entry] = source;
    calls[entry] = call;
  });
  return { starts, sources, calls };
}

function eachDependence(machine: Machine, take: (source: number, target: number, call: number) => void): void {
  const { flags, edgeStart, edgeTarget, emptyStart, emptyTarget, callStart, callRule, callReturn, ruleStart } = machine;
  for (let state = 0; state < flags.length; state++) {
    for (let edge = edgeStart[state]!; edge < edgeStart[state + 1]!; edge++) take(state, edgeTarget[edge]!, NO_CALL);
    for (let edge = emptyStart[state]!; edge < emptyStart[state + 1]!; edge++) take(state, emptyTarget[edge]!, NO_CALL);
    for (let call = callStart[state]!; call < callStart[state + 1]!; call++) {
      take(state, callReturn[call]!, call);
      take(state, ruleStart[callRule[call]!]!, call);
    }
  }
}

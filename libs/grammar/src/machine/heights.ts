import type { Budget } from './budget.js';
import { type Machine, NEVER, StateFlag } from './machine.js';

/**
 * Fills `machine.height`: the least depth of calls with which a state's rule can end. A run that keeps `depth + height` within a limit never
 * comes where it cannot end. Goes backwards from the ends; a state is looked at again when one that it leads to has become lower.
 */
export function measureHeights(machine: Machine, budget: Budget): void {
  const { height, flags } = machine;
  const { starts, sources } = dependents(machine);
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
      if (height[source] === 0) continue;
      const least = leastHeight(machine, source, budget);
      if (least >= height[source]!) continue;
      height[source] = least;
      lowered.push(source);
    }
  }
}

function leastHeight(machine: Machine, state: number, budget: Budget): number {
  const { height, edgeStart, edgeTarget, emptyStart, emptyTarget, callStart, callRule, callReturn, ruleStart } = machine;
  budget.spend(1 + callStart[state + 1]! - callStart[state]!);
  let least = NEVER;
  for (let edge = edgeStart[state]!; edge < edgeStart[state + 1]!; edge++) least = Math.min(least, height[edgeTarget[edge]!]!);
  for (let edge = emptyStart[state]!; edge < emptyStart[state + 1]!; edge++) least = Math.min(least, height[emptyTarget[edge]!]!);
  for (let call = callStart[state]!; call < callStart[state + 1]!; call++) {
    const inside = height[ruleStart[callRule[call]!]!]!;
    if (inside !== NEVER) least = Math.min(least, Math.max(inside + 1, height[callReturn[call]!]!));
  }
  return least;
}

/** Of state s: the states whose height depends on its own, `sources[starts[s]]` to `sources[starts[s + 1]]`. */
function dependents(machine: Machine): { starts: Int32Array; sources: Int32Array } {
  const starts = new Int32Array(machine.flags.length + 2); // one place on while they are filled
  eachDependence(machine, (_, target) => starts[target + 2]!++);
  for (let state = 2; state < starts.length; state++) starts[state]! += starts[state - 1]!;
  const sources = new Int32Array(starts.at(-1)!);
  eachDependence(machine, (source, target) => {
    sources[starts[target + 1]!++] = source;
  });
  return { starts, sources };
}

function eachDependence(machine: Machine, take: (source: number, target: number) => void): void {
  const { flags, edgeStart, edgeTarget, emptyStart, emptyTarget, callStart, callRule, callReturn, ruleStart } = machine;
  for (let state = 0; state < flags.length; state++) {
    for (let edge = edgeStart[state]!; edge < edgeStart[state + 1]!; edge++) take(state, edgeTarget[edge]!);
    for (let edge = emptyStart[state]!; edge < emptyStart[state + 1]!; edge++) take(state, emptyTarget[edge]!);
    for (let call = callStart[state]!; call < callStart[state + 1]!; call++) {
      take(state, callReturn[call]!);
      take(state, ruleStart[callRule[call]!]!);
    }
  }
}

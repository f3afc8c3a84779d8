import type { Budget } from './budget.js';
import { type Machine, NEVER, StateFlag } from './machine.js';

/**
 * Fills `machine.height`: the least depth of calls with which a state's rule can end. A run that keeps `depth + height` within a limit never
 * comes where it cannot end. Sweeps until nothing changes: a rule's states mostly lead to later ones, so a few sweeps backwards do.
 */
export function measureHeights(machine: Machine, budget: Budget): void {
  const { height, flags } = machine;
  for (let changed = true; changed;) {
    changed = false;
    budget.spend(height.length + machine.edgeTarget.length);
    for (let state = height.length - 1; state >= 0; state--) {
      const least = (flags[state]! & StateFlag.ACCEPTS) !== 0 ? 0 : leastHeight(machine, state);
      if (least >= height[state]!) continue;
      height[state] = least;
      changed = true;
    }
  }
}

function leastHeight(machine: Machine, state: number): number {
  const { height, edgeStart, edgeTarget, emptyStart, emptyTarget, callStart, callRule, callReturn, ruleStart } = machine;
  let least = NEVER;
  for (let edge = edgeStart[state]!; edge < edgeStart[state + 1]!; edge++) least = Math.min(least, height[edgeTarget[edge]!]!);
  for (let edge = emptyStart[state]!; edge < emptyStart[state + 1]!; edge++) least = Math.min(least, height[emptyTarget[edge]!]!);
  for (let call = callStart[state]!; call < callStart[state + 1]!; call++) {
    const inside = height[ruleStart[callRule[call]!]!]!;
    if (inside !== NEVER) least = Math.min(least, Math.max(inside + 1, height[callReturn[call]!]!));
  }
  return least;
}

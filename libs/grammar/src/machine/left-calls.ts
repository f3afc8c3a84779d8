import type { Machine } from './machine.js';

/** Whether a rule calls itself, directly or through others, before it has read a byte: following the calls would never end. */
export function leftCallCycle(machine: Machine): boolean {
  const numRules = machine.ruleStart.length;
  const calledAtStart = Array.from({ length: numRules }, (_, rule) => leftCalls(machine, machine.ruleStart[rule]!));
  const [unseen, open, done] = [0, 1, 2];
  const marks = new Uint8Array(numRules).fill(unseen);
  for (let root = 0; root < numRules; root++) {
    const path = marks[root] === unseen ? [{ rule: root, next: 0 }] : [];
    if (path.length > 0) marks[root] = open;
    while (path.length > 0) {
      const top = path.at(-1)!;
      const called = calledAtStart[top.rule]![top.next++];
      if (called === undefined) {
        marks[top.rule] = done;
        path.pop();
      } else if (marks[called] === open) {
        return true;
      } else if (marks[called] === unseen) {
        marks[called] = open;
        path.push({ rule: called, next: 0 });
      }
    }
  }
  return false;
}

/** The rules that are called from a state or from those that it reaches without a byte. */
function leftCalls({ emptyStart, emptyTarget, callStart, callRule }: Machine, start: number): number[] {
  const reached = new Set([start]);
  const rules = new Set<number>();
  for (const state of reached) {
    for (let edge = emptyStart[state]!; edge < emptyStart[state + 1]!; edge++) reached.add(emptyTarget[edge]!);
    for (let call = callStart[state]!; call < callStart[state + 1]!; call++) rules.add(callRule[call]!);
  }
  return [...rules];
}

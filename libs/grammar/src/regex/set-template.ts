import type { ByteSequence } from './byte-sequences.js';

/** Stands for the state after the character. */
export const END = -1;

/** The states that read one character, the first one first: three numbers an edge, as in an automaton. */
export type SetTemplate = readonly (readonly number[])[];

/** States from which the same bytes may follow are one. */
export function setTemplate(sequences: readonly ByteSequence[]): SetTemplate {
  const states: number[][] = [];
  const known = new Map<string, number>();
  const add = (rests: readonly ByteSequence[]): number => {
    const key = rests.join(';');
    let state = known.get(key);
    if (state !== undefined) return state;
    known.set(key, (state = states.push([]) - 1));
    const edges = groupByFirst(rests).map(([[low, high], following]): [number, number, number] => {
      return [low, high, following.every(({ length }) => length === 0) ? END : add(following)];
    });
    states[state] = edges.sort(([a], [b]) => a - b).flat();
    return state;
  };
  add(sequences);
  return states;
}

/** What follows each first range. Ranges of different groups do not overlap. */
function groupByFirst(sequences: readonly ByteSequence[]): (readonly [ByteSequence[number], ByteSequence[]])[] {
  const groups = new Map<string, [ByteSequence[number], ByteSequence[]]>();
  for (const [first, ...rest] of sequences) {
    const group = groups.get(first!.join());
    if (group === undefined) groups.set(first!.join(), [first!, [rest]]);
    else group[1].push(rest);
  }
  return [...groups.values()];
}

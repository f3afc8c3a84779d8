import type { Dfa } from '../regex/dfa.js';

const QUOTE = 0x22;

/** An automaton of what is within a JSON string, with the quotes around it. No character ends or begins with a bare quote. */
export function quoted({ start, edges, accepts }: Dfa): Dfa {
  const [opening, end] = [edges.length, edges.length + 1];
  const withEnd = edges.map((own, state) => (accepts[state] === true ? withEdge(own, QUOTE, end) : own));
  return {
    start: opening,
    edges: [...withEnd, [QUOTE, QUOTE, start], []],
    accepts: [...accepts.map(() => false), false, true],
  };
}

function withEdge(edges: readonly number[], byte: number, target: number): number[] {
  let place = 0;
  while (place < edges.length && edges[place]! < byte) place += 3;
  return edges.toSpliced(place, 0, byte, byte, target);
}

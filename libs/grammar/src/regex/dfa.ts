/** A deterministic automaton over bytes, without states from which nothing can be accepted. */
export interface Dfa {
  start: number;
  /** Three numbers an edge, by byte: lowest byte, highest byte, target. */
  edges: number[][];
  accepts: boolean[];
}

/** Leaves out states that lead to no end. @returns undefined where the automaton accepts nothing */
export function trim({ start, edges, accepts }: Dfa): Dfa | undefined {
  const sources: number[][] = edges.map(() => []);
  for (const [state, list] of edges.entries()) for (let edge = 2; edge < list.length; edge += 3) sources[list[edge]!]!.push(state);
  const useful = new Set(accepts.flatMap((accepting, state) => (accepting ? [state] : [])));
  for (const state of useful) for (const source of sources[state]!) useful.add(source);
  if (!useful.has(start)) return undefined;
  if (useful.size === edges.length) return { start, edges, accepts };
  const kept = [...useful].sort((a, b) => a - b);
  const idOf = new Map(kept.map((state, id) => [state, id]));
  return {
    start: idOf.get(start)!,
    edges: kept.map((state) => usefulEdges(edges[state]!, idOf)),
    accepts: kept.map((state) => accepts[state]!),
  };
}

function usefulEdges(edges: readonly number[], idOf: ReadonlyMap<number, number>): number[] {
  const kept: number[] = [];
  for (let edge = 0; edge < edges.length; edge += 3) {
    const target = idOf.get(edges[edge + 2]!);
    if (target !== undefined) kept.push(edges[edge]!, edges[edge + 1]!, target);
  }
  return kept;
}

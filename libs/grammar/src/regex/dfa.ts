/** A deterministic automaton over bytes, without states from which nothing can be accepted. */
export interface Dfa {
  start: number;
  /** Three numbers an edge, by byte: lowest byte, highest byte, target. */
  edges: number[][];
  accepts: boolean[];
}

/** Leaves out states that lead to no end. @returns undefined where the automaton accepts nothing */
export function trim({ start, edges, accepts }: Dfa): Dfa | undefined {
  const isUseful = leadingToEnds(edges, accepts);
  if (isUseful[start] === 0) return undefined;
  if (!isUseful.includes(0)) return { start, edges, accepts };
  let numKept = 0;
  const idOf = Int32Array.from(isUseful, (useful) => (useful === 1 ? numKept++ : USELESS));
  const isKept = (_: unknown, state: number): boolean => isUseful[state] === 1;
  return {
    start: idOf[start]!,
    edges: edges.filter(isKept).map((own) => usefulEdges(own, idOf)),
    accepts: accepts.filter(isKept),
  };
}

const USELESS = -1;

/** 1 for each state from which an end can be reached. */
function leadingToEnds(edges: readonly (readonly number[])[], accepts: readonly boolean[]): Uint8Array {
  const isUseful = Uint8Array.from(accepts, Number);
  const { starts, sources } = reversed(edges);
  const reached = accepts.flatMap((accepting, state) => (accepting ? [state] : []));
  for (let state = reached.pop(); state !== undefined; state = reached.pop()) {
    for (let edge = starts[state]!; edge < starts[state + 1]!; edge++) {
      const source = sources[edge]!;
      if (isUseful[source] === 1) continue;
      isUseful[source] = 1;
      reached.push(source);
    }
  }
  return isUseful;
}

/** Of state s: the states with an edge to it, `sources[starts[s]]` to `sources[starts[s + 1]]`. */
function reversed(edges: readonly (readonly number[])[]): { starts: Int32Array; sources: Int32Array } {
  const starts = new Int32Array(edges.length + 2); // one place on while they are filled
  for (const own of edges) for (let edge = 2; edge < own.length; edge += 3) starts[own[edge]! + 2]!++;
  for (let state = 2; state < starts.length; state++) starts[state]! += starts[state - 1]!;
  const sources = new Int32Array(starts.at(-1)!);
  for (const [source, own] of edges.entries()) {
    for (let edge = 2; edge < own.length; edge += 3) sources[starts[own[edge]! + 1]!++] = source;
  }
  return { starts, sources };
}

function usefulEdges(edges: readonly number[], idOf: Int32Array): number[] {
  const kept: number[] = [];
  for (let edge = 0; edge < edges.length; edge += 3) {
    const target = idOf[edges[edge + 2]!]!;
    if (target !== USELESS) kept.push(edges[edge]!, edges[edge + 1]!, target);
  }
  return kept;
}

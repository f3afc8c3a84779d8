/** Who computes what of a layer's experts and shared experts. */
export interface ExpertLoad {
  /** Experts with rows, and how many each has. */
  experts: ArrayLike<number>;
  counts: ArrayLike<number>;
  /** The rank that computes each expert, −1 where it is none of them. */
  rankOfExpert: Int32Array; // [E]
}

/** One part of the shared experts, of which there are several. */
export interface PartLoad {
  numParts: number;
  /** Its width, in widths of a routed expert. */
  width: number;
  /** T */
  numTokens: number;
}

/**
 * Deals the parts of the shared experts to the ranks that have the least to do with routed experts. Which experts a token chooses is chance, and
 * without this one rank would wait for the other: at batch 1 the longest share falls from 4.9 to 4.3 eighths of the work.
 * @returns a bit for each part, by rank
 */
export function assignParts(
  { experts, counts, rankOfExpert }: ExpertLoad,
  { numParts, width, numTokens }: PartLoad,
  numRanks: number,
): Int32Array {
  const loads = new Float64Array(numRanks);
  for (let index = 0; index < experts.length; index++) {
    const rank = rankOfExpert[experts[index]!]!;
    if (rank >= 0) loads[rank]! += cost(counts[index]!);
  }
  const parts = new Int32Array(numRanks); // [ranks]
  for (let part = 0; part < numParts; part++) {
    let least = 0;
    for (let rank = 1; rank < numRanks; rank++) if (loads[rank]! < loads[least]!) least = rank;
    loads[least]! += cost(numTokens) * width;
    parts[least]! |= 1 << part;
  }
  return parts;
}

/** Time of an expert for so many rows, about 1 for one: its weights are read once, and each row is multiplied with them (docs/engine-notes.md). */
function cost(rows: number): number {
  return 0.7 + 0.3 * rows;
}

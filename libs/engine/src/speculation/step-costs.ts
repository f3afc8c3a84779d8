/** What was measured of steps of one size. */
interface Measured {
  /** Of the latest steps. */
  seconds: number[];
  /** The how-manieth step was the latest. */
  at: number;
}

/** Of so many steps the median counts: one that the system held up says nothing. */
const RECENT = 5;
/** After so many steps of other sizes, what was measured is forgotten: contexts grow, and the machine may have other work. */
const MAX_AGE = 256;
/** A clock may not have moved. */
const LEAST_SECONDS = 1e-9;

/** How long steps take that decode, by the tokens that they compute: as measured. */
export class StepCosts {
  private readonly measured = new Map<number, Measured>();
  private numSteps = 0;

  add(numTokens: number, seconds: number): void {
    const { seconds: before } = this.measured.get(numTokens) ?? { seconds: [] };
    this.measured.set(numTokens, { seconds: [...before, seconds].slice(-RECENT), at: ++this.numSteps });
    for (const [size, { at }] of this.measured) if (this.numSteps - at > MAX_AGE) this.measured.delete(size);
  }

  /**
   * Seconds of a step of so many tokens. Between sizes that were measured it is in between; beyond them it is as the nearest: whoever hopes so
   * tries, and it is measured.
   * @returns null where no step of that size or a smaller one was measured
   */
  estimate(numTokens: number): number | null {
    let [lower, upper]: [number, number] = [0, Infinity];
    for (const size of this.measured.keys()) {
      if (size <= numTokens) lower = Math.max(lower, size);
      if (size >= numTokens) upper = Math.min(upper, size);
    }
    if (lower === 0) return null;
    const cost = this.median(lower);
    if (upper === lower || upper === Infinity) return cost;
    return cost + ((this.median(upper) - cost) * (numTokens - lower)) / (upper - lower);
  }

  private median(size: number): number {
    const sorted = this.measured.get(size)!.seconds.toSorted((a, b) => a - b);
    return Math.max(LEAST_SECONDS, sorted[Math.floor(sorted.length / 2)]!);
  }
}

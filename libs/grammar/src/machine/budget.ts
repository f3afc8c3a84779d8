import { GrammarTooComplexError } from '@ringmesh/core';

/** States of one grammar at most. */
export const MAX_STATES = 60_000;
/** Work of compiling one grammar at most: a step makes an edge or looks at one, and takes some 40 ns. */
export const MAX_COMPILE_STEPS = 1_200_000;

/** Counts the work of compiling: what a request may cost is the same on every machine and under any load. */
export class Budget {
  private steps = 0;

  constructor(private readonly maxSteps = MAX_COMPILE_STEPS) {}

  /** @throws GrammarTooComplexError when it is used up */
  spend(steps: number): void {
    this.steps += steps;
    if (this.steps > this.maxSteps) throw new GrammarTooComplexError('it takes more work to compile than a request may cost; simplify it');
  }

  get spent(): number {
    return this.steps;
  }
}

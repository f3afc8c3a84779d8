import { GrammarTooComplexError } from '@ringmesh/core';

/** Counts what following a text costs. The unit is a look at a state, some 100 ns. */
export class Work {
  done = 0;
  private limit = Infinity;

  /** From here on so much may be done. */
  allow(steps: number): void {
    this.limit = this.done + steps;
  }

  /** @throws GrammarTooComplexError when no more may be done */
  spend(steps: number): void {
    this.done += steps;
    if (this.done <= this.limit) return;
    throw new GrammarTooComplexError('the grammar leaves too many ways open at once to follow them all: simplify it');
  }
}

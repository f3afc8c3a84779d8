import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planDrafts, type Proposal } from './plan-drafts.js';
import { StepCosts } from './step-costs.js';

/** Steps that take as long however many tokens they compute, twice as long for twice as many, and in between. */
const FREE = (): number => 1;
const FULL = (numTokens: number): number => numTokens;
const MIXED = (numTokens: number): number => 4 + numTokens;

const proposals = fc.array(
  fc.record({ numTokens: fc.integer({ min: 0, max: 8 }), acceptance: fc.double({ min: 0, max: 1, noNaN: true }) }),
  { minLength: 1, maxLength: 6 },
);

/** Tokens a second that a plan promises. */
function rateOf(plan: number[], from: Proposal[], secondsOf: (numTokens: number) => number): number {
  let [tokens, expected] = [plan.length, plan.length];
  for (const [index, count] of plan.entries()) {
    tokens += count;
    for (let draft = 1; draft <= count; draft++) expected += from[index]!.acceptance ** draft;
  }
  return expected / secondsOf(tokens);
}

describe('planDrafts', () => {
  it('verifies what is sure where it costs nothing, and nothing where a draft costs as much as a token', () => {
    const each = [
      { numTokens: 3, acceptance: 1 },
      { numTokens: 0, acceptance: 1 },
      { numTokens: 5, acceptance: 1 },
    ];
    expect(planDrafts(each, FREE, 100)).toEqual([3, 0, 5]);
    expect(planDrafts(each, FULL, 100)).toEqual([0, 0, 0]);
    expect(planDrafts(each, FREE, 3)).toEqual([0, 0, 0]);
    expect(planDrafts([{ numTokens: 8, acceptance: 0.5 }], MIXED, 100)).toEqual([1]);
  });

  it('keeps to the drafts and the budget, and no single draft more or less would promise more', () => {
    fc.assert(
      fc.property(proposals, fc.integer({ min: 0, max: 40 }), (each, maxTokens) => {
        const plan = planDrafts(each, MIXED, maxTokens);
        const numDrafts = plan.reduce((sum, count) => sum + count, 0);
        if (numDrafts > 0) expect(numDrafts + each.length).toBeLessThanOrEqual(maxTokens);
        const rate = rateOf(plan, each, MIXED);
        for (const [index, { numTokens }] of each.entries()) {
          expect(plan[index]).toBeLessThanOrEqual(numTokens);
          if (plan[index] === numTokens || numDrafts + each.length >= maxTokens) continue;
          // Without a gain of some percent there are no drafts at all.
          const more = rateOf(plan.with(index, plan[index]! + 1), each, MIXED);
          expect(more).toBeLessThanOrEqual(numDrafts === 0 ? rate * 1.031 : rate * (1 + 1e-9));
        }
      }),
    );
  });
});

describe('planDrafts with measured costs', () => {
  /** Decodes one sequence whose drafts come true with the given probability. @returns drafts of the last steps, on average */
  function draftsAfter(secondsOf: (numTokens: number) => number, acceptance: number): number {
    const costs = new StepCosts();
    let drafts = 0;
    for (let step = 0; step < 1000; step++) {
      const [count] = planDrafts([{ numTokens: 8, acceptance }], (numTokens) => costs.estimate(numTokens), 64) as [number];
      costs.add(1 + count, secondsOf(1 + count));
      if (step >= 500) drafts += count;
    }
    return drafts / 500;
  }

  it('goes on where it gains and all but stops where it does not', () => {
    expect(draftsAfter(MIXED, 0.95)).toBeGreaterThan(5);
    expect(draftsAfter(FREE, 0.3)).toBeGreaterThan(1);
    expect(draftsAfter(FULL, 0.95)).toBeLessThan(0.1);
    expect(draftsAfter(MIXED, 0.05)).toBeLessThan(0.1);
  });
});

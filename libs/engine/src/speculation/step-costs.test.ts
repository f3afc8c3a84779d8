import { describe, expect, it } from 'vitest';
import { StepCosts } from './step-costs.js';

describe('StepCosts', () => {
  it('knows nothing of steps that are smaller than all that were measured', () => {
    const costs = new StepCosts();
    expect(costs.estimate(1)).toBeNull();
    costs.add(2, 1);
    expect(costs.estimate(1)).toBeNull();
  });

  it('is the median of the latest, in between where nothing was measured, and hopeful beyond', () => {
    const costs = new StepCosts();
    for (const seconds of [9, 9, 1, 1, 50, 2, 1]) costs.add(2, seconds);
    costs.add(6, 3);
    expect([2, 3, 4, 6, 60].map((numTokens) => costs.estimate(numTokens))).toEqual([1, 1.5, 2, 3, 3]);
  });

  it('forgets what was long ago', () => {
    const costs = new StepCosts();
    costs.add(1, 1);
    costs.add(4, 10);
    for (let step = 0; step <= 256; step++) costs.add(1, 1);
    expect(costs.estimate(4)).toBe(1);
  });

  it('has a cost for what took no time', () => {
    const costs = new StepCosts();
    costs.add(1, 0);
    expect(costs.estimate(1)).toBeGreaterThan(0);
  });
});

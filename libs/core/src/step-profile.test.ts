import { expect, it } from 'vitest';
import { StepProfile } from './step-profile.js';

it('gives each part what passed since the mark before', () => {
  let now = 5;
  const profile = new StepProfile(() => now);
  const spend = (seconds: number, part: string): void => {
    now += seconds;
    profile.mark(part);
  };
  now += 10;
  profile.start();
  spend(1, 'attention');
  spend(2, 'experts');
  spend(4, 'attention');
  expect(profile.read()).toEqual({ attention: 5, experts: 2 });
  profile.start();
  spend(8, 'experts');
  expect(profile.read()).toEqual({ experts: 8 });
});

import { expect, it } from 'vitest';
import { Backoff } from './backoff.js';

it('waits twice as long after each failure, up to a limit, and starts again after a success', () => {
  const backoff = new Backoff(() => 0, 100, 500);
  expect([backoff.next(), backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([100, 200, 400, 500, 500]);
  backoff.reset();
  expect(backoff.next()).toBe(100);
});

it('cuts each wait by up to half', () => {
  const backoff = new Backoff(() => 0.999_999, 100, 500);
  expect(backoff.next()).toBeCloseTo(50, 1);
  expect(backoff.next()).toBeCloseTo(100, 1);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryAfter } from './retry-after.js';
import { TokenBucket } from './token-bucket.js';

const wait = fc.double({ min: 0, max: 100, noNaN: true });
const perMinute = fc.integer({ min: 1, max: 1000 });
const START = 1e6;

describe('TokenBucket', () => {
  it('gives no more within any time than a minute’s worth and what flows in meanwhile', () => {
    fc.assert(
      fc.property(perMinute, fc.array(fc.record({ wait, share: fc.double({ min: 0, max: 1, noNaN: true }) })), (limit, asks) => {
        const bucket = new TokenBucket(limit, START);
        const taken: { time: number; amount: number }[] = [];
        let time = START;
        for (const ask of asks) {
          time += ask.wait;
          const amount = ask.share * limit;
          if (bucket.secondsUntil(amount, time) > 0) continue;
          bucket.take(amount, time);
          taken.push({ time, amount });
        }
        for (let first = 0; first < taken.length; first++) {
          let sum = 0;
          for (const { time: at, amount } of taken.slice(first)) {
            sum += amount;
            expect(sum).toBeLessThanOrEqual(limit + ((at - taken[first]!.time) * limit) / 60 + 1e-3);
          }
        }
      }),
    );
  });

  it('lets in who comes back when it says, and not a second before', () => {
    fc.assert(
      fc.property(perMinute, fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 2000 }), (limit, used, amount) => {
        const bucket = new TokenBucket(limit, START);
        bucket.take(used, START); // into debt, perhaps
        const seconds = bucket.secondsUntil(amount, START);
        expect(bucket.secondsUntil(amount, START + seconds)).toBe(0);
        if (seconds > 1) expect(bucket.secondsUntil(amount, START + seconds - 1)).toBeGreaterThan(0);
      }),
    );
  });

  it('never keeps out for good what is more than a minute’s worth', () => {
    const bucket = new TokenBucket(60, START);
    expect(bucket.secondsUntil(1000, START)).toBe(0);
    bucket.take(1000, START);
    expect(bucket.secondsUntil(1, START)).toBeCloseTo(941);
  });
});

it.each([
  [0, 1],
  [0.2, 1],
  [1, 1],
  [1.01, 2],
  [60, 60],
  [1e9, 60],
  [Infinity, 60],
])('Retry-After of an estimate of %d seconds is %d', (seconds, expected) => {
  expect(retryAfter(seconds)).toBe(expected);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitingQueue } from './waiting-queue.js';

type Action = { type: 'ask'; sequences: number; tokens: number } | { type: 'leave' };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ type: fc.constant('ask' as const), sequences: fc.integer({ min: 1, max: 5 }), tokens: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ type: fc.constant('leave' as const) }),
);

/** A queue that always has `length` requests of `tokens` each, of which one leaves and one comes every `interval` seconds. @returns it, and the time */
function steady(length: number, { tokens, interval }: { tokens: number; interval: number }): { queue: WaitingQueue; now: number } {
  const queue = new WaitingQueue({ maxRequests: length, maxTokens: length * tokens });
  let now = 1000;
  for (let count = 0; count < length; count++) queue.enter(tokens, now);
  for (let count = 0; count * interval < 300; count++) {
    now += interval;
    queue.leave(tokens, now);
    queue.enter(tokens, now);
  }
  return { queue, now };
}

describe('WaitingQueue', () => {
  it('lets in what fits, and all that finds nobody waiting', () => {
    fc.assert(
      fc.property(
        fc.record({ maxRequests: fc.integer({ min: 1, max: 8 }), maxTokens: fc.integer({ min: 1, max: 200 }) }),
        fc.array(fc.record({ action, wait: fc.double({ min: 0, max: 100, noNaN: true }) })),
        (limits, actions) => {
          const queue = new WaitingQueue(limits);
          const waiting: number[] = [];
          let now = 0;
          for (const { action, wait } of actions) {
            now += wait;
            if (action.type === 'leave') {
              if (waiting.length > 0) queue.leave(waiting.shift()!, now);
            } else {
              const { sequences, tokens } = action;
              const sum = waiting.reduce((total, one) => total + one, 0);
              const fits = waiting.length + sequences <= limits.maxRequests && sum + sequences * tokens <= limits.maxTokens;
              const seconds = queue.secondsUntilFits(sequences, sequences * tokens, now);
              expect(seconds === 0).toBe(fits || waiting.length === 0);
              for (let count = 0; seconds === 0 && count < sequences; count++) {
                queue.enter(tokens, now);
                waiting.push(tokens);
              }
            }
            expect([queue.requests, queue.tokens]).toEqual([waiting.length, waiting.reduce((total, one) => total + one, 0)]);
          }
        },
      ),
    );
  });

  it.each([
    ['requests', 3, 0, 3],
    ['tokens', 1, 500, 5],
    ['all, at most', 1000, 1e6, 10],
  ])('knows from the pace of late when there is room: by %s', (_, sequences, tokens, leaving) => {
    const { queue, now } = steady(10, { tokens: 100, interval: 2 });
    const seconds = queue.secondsUntilFits(sequences, tokens, now);
    expect(seconds).toBeGreaterThan(0.8 * leaving * 2);
    expect(seconds).toBeLessThan(1.2 * leaving * 2);
  });

  it('takes a queue that nobody leaves any more for what it is', () => {
    const { queue, now } = steady(10, { tokens: 100, interval: 0.1 });
    expect(queue.secondsUntilFits(1, 0, now)).toBeLessThan(0.2);
    expect(queue.secondsUntilFits(1, 0, now + 600)).toBeGreaterThan(60);
  });

  it('does not count the time in which nobody waits', () => {
    const { queue, now } = steady(1, { tokens: 100, interval: 0.1 });
    const before = queue.secondsUntilFits(1, 0, now);
    queue.leave(100, now);
    queue.enter(100, now + 10_000);
    expect(queue.secondsUntilFits(1, 0, now + 10_000)).toBeLessThanOrEqual(before);
  });
});

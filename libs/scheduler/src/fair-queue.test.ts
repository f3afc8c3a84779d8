import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.js';

interface Item {
  tenant: string;
  weight: number;
  tokens: number;
}

const item = (tenant: string, tokens = 10, weight = 1): Item => ({ tenant, weight, tokens });

/** Takes the next one, and serves it. */
function serve(queue: FairQueue<Item>): Item {
  const next = queue.shift()!;
  queue.charge(next, next.tokens);
  return next;
}

const serveTenants = (queue: FairQueue<Item>, count: number): string => Array.from({ length: count }, () => serve(queue).tenant).join('');

describe('FairQueue', () => {
  it('is first come, first served within a tenant', () => {
    const queue = new FairQueue<Item>();
    const items = [3, 1, 2].map((tokens) => item('', tokens));
    for (const next of items) queue.push(next);
    expect(queue.peek()).toBe(items[0]);
    expect([serve(queue), serve(queue), serve(queue)]).toEqual(items);
    expect(queue.peek()).toBeUndefined();
    expect(queue.shift()).toBeUndefined();
  });

  it('serves a tenant with one at once, though another has a thousand', () => {
    const queue = new FairQueue<Item>();
    for (let count = 0; count < 1000; count++) queue.push(item('a'));
    serveTenants(queue, 500);
    queue.push(item('b'));
    expect(serveTenants(queue, 4)).toBe('baaa');
  });

  it('counts tokens, not sequences, over the weight', () => {
    const queue = new FairQueue<Item>();
    for (let count = 0; count < 12; count++) {
      queue.push(item('a', 30));
      queue.push(item('b', 10));
      queue.push(item('c', 10, 2));
    }
    const served = { a: 0, b: 0, c: 0 };
    for (let count = 0; count < 20; count++) {
      const { tenant, tokens } = serve(queue);
      served[tenant as keyof typeof served] += tokens;
    }
    expect(served).toEqual({ a: 60, b: 60, c: 120 });
  });

  it('lets nobody save up turns by asking for nothing', () => {
    const queue = new FairQueue<Item>();
    for (let count = 0; count < 100; count++) queue.push(item('a'));
    serveTenants(queue, 50);
    for (let count = 0; count < 50; count++) queue.push(item('b'));
    expect(serveTenants(queue, 20).replaceAll('b', '')).toHaveLength(10);
  });

  it('forgets one that is taken out, and ignores one that is not there', () => {
    const queue = new FairQueue<Item>();
    const [first, second] = [item('a'), item('a')];
    queue.push(first);
    queue.push(second);
    queue.remove(first);
    queue.remove(first);
    queue.remove(item('b'));
    expect(queue.peek()).toBe(second);
  });

  it('keeps the tenants that always wait within one sequence of each other, and makes one that comes wait for one of each', () => {
    const arrivals = fc.array(fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), tokens: fc.integer({ min: 1, max: 50 }) }), {
      minLength: 150,
      maxLength: 300,
    });
    fc.assert(
      fc.property(arrivals, fc.nat(40), (items, lead) => {
        const queue = new FairQueue<Item>();
        for (const { tenant, tokens } of items) queue.push(item(tenant, tokens));
        const left = new Map(['a', 'b', 'c'].map((name) => [name, items.filter(({ tenant }) => tenant === name).length]));
        const served = new Map(['a', 'b', 'c'].map((name) => [name, 0]));
        for (let count = 0; count < lead; count++) {
          const { tenant, tokens } = serve(queue);
          left.set(tenant, left.get(tenant)! - 1);
          served.set(tenant, served.get(tenant)! + tokens);
        }
        const waiting = [...served].filter(([name]) => left.get(name)! > 0).map(([, tokens]) => tokens);
        if (waiting.length === 3) expect(Math.max(...waiting) - Math.min(...waiting)).toBeLessThanOrEqual(50);
        queue.push(item('new'));
        const before: string[] = [];
        for (let next = serve(queue); next.tenant !== 'new'; next = serve(queue)) before.push(next.tenant);
        expect(new Set(before).size).toBe(before.length);
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});

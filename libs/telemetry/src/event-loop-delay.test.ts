import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { measureEventLoopDelay } from './event-loop-delay.js';
import { createMetricsRegistry, renderMetrics } from './registry.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('counts a delay for each moment in it, and forgets it afterwards', async () => {
  const registry = createMetricsRegistry();
  let time = 1000;
  const stop = measureEventLoopDelay(registry, () => time);
  const fire = (at: number): void => {
    time = at;
    vi.advanceTimersByTime(10);
  };
  const counts = async (): Promise<Record<string, number>> => {
    const text = await renderMetrics(registry);
    const buckets = Array.from(text.matchAll(/_bucket\{le="([^"]+)"\} (\d+)/g), (match): [string, number] => [match[1]!, Number(match[2])]);
    return Object.fromEntries(buckets);
  };
  fire(1009.9); // early, as timers can be: no delay
  expect(await counts()).toMatchObject({ '0.001': 1, '+Inf': 1 });
  fire(1053.9); // due at 1019.9, 34 ms late; so were 24, 14 and 4 for what came meanwhile
  expect(await counts()).toMatchObject({ '0.001': 1, '0.005': 2, '0.01': 2, '0.015': 3, '0.02': 3, '0.03': 4, '0.05': 5, '+Inf': 5 });
  fire(1064);
  expect(await counts()).toMatchObject({ '0.001': 2, '+Inf': 6 });
  stop();
  fire(2000);
  expect(await counts()).toMatchObject({ '+Inf': 6 });
});

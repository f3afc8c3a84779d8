import { expect, it } from 'vitest';
import { delayQuantile, delaysBetween, parseDelays, shareWithin } from './loop-delay.ts';

const scrape = (...counts: [number, number, number]): string => {
  const [first, second, all] = counts.map(String);
  const name = 'ringmesh:http_event_loop_delay_seconds';
  return [
    `# TYPE ${name} histogram`,
    `${name}_bucket{le="0.001"} ${first}`,
    `${name}_bucket{le="0.02"} ${second}`,
    `${name}_bucket{le="+Inf"} ${all}`,
    `${name}_sum 1.5`,
    '',
  ].join('\n');
};

it('event-loop delays between two scrapes have quantiles', () => {
  const delays = delaysBetween(parseDelays(scrape(5, 6, 7)), parseDelays(scrape(65, 105, 107)));
  expect([...delays]).toEqual([
    [1, 60],
    [20, 39],
    [Infinity, 1],
  ]);
  expect(delayQuantile(delays, 0.5)).toBe(1);
  expect(delayQuantile(delays, 0.99)).toBe(20);
  expect(delayQuantile(delays, 1)).toBe(Infinity);
  expect(shareWithin(delays, 20)).toBe(0.99);
  expect(() => parseDelays('other 1')).toThrow('/metrics has no');
});

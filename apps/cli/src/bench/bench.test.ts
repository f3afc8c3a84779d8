import { expect, it } from 'vitest';
import { arrivalTimes, seededRandom } from './arrivals.js';
import { quantile, reportOf, type RequestRecord } from './metrics.js';

const RECORD: RequestRecord = {
  dueAt: 0,
  sentAt: 10,
  endedAt: 400,
  chunksAt: [100, 150, 400],
  promptTokens: 5,
  outputTokens: 4,
  error: null,
};

it('arrivals are the same for a seed, and as many a second as asked', () => {
  const times = arrivalTimes('poisson', 50, 5000, seededRandom(1));
  expect(times).toEqual(arrivalTimes('poisson', 50, 5000, seededRandom(1)));
  expect(times).not.toEqual(arrivalTimes('poisson', 50, 5000, seededRandom(2)));
  expect(Math.abs(times.at(-1)! / 100_000 - 1)).toBeLessThan(0.05);
  expect(arrivalTimes('constant', 4, 3, seededRandom(0))).toEqual([0, 250, 500]);
  expect(arrivalTimes('poisson', Infinity, 3, seededRandom(0))).toEqual([0, 0, 0]);
});

it('quantiles are the nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([0, 0.5, 0.9, 0.99, 1].map((share) => quantile(values, share))).toEqual([1, 50, 90, 99, 100]);
});

it('latencies count from the time a request was due', () => {
  const { latencies, sendLagP99Ms, outputTokensPerSecond } = reportOf([RECORD], 2, {});
  expect(latencies.ttft?.p50).toBe(100);
  expect(latencies.tpot?.p50).toBe(100);
  expect(latencies.itl?.mean).toBe(150);
  expect(latencies.e2e?.p99).toBe(400);
  expect(sendLagP99Ms).toBe(10);
  expect(outputTokensPerSecond).toBe(2);
});

it('goodput counts complete answers within every limit, errors by kind', () => {
  const records = [RECORD, { ...RECORD, endedAt: 4000 }, { ...RECORD, error: 'status 503' }, { ...RECORD, outputTokens: 1 }];
  const report = reportOf(records, 2, { ttft: 100, tpot: 100 });
  expect(report).toMatchObject({ completed: 3, failed: 1, errors: { 'status 503': 1 }, goodput: 1 });
  expect(report.goodputShare).toBe(0.5);
  expect(reportOf(records, 2, { ttft: 99 })).toMatchObject({ goodput: 0, goodputShare: 0 });
  expect(reportOf([], 0, {})).toMatchObject({ completed: 0, goodput: null, goodputShare: null, sendLagP99Ms: null });
});

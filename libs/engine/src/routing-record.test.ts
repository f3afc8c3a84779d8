import { expect, it } from 'vitest';
import { RoutingRecord } from './routing-record.js';

const ids = (...values: number[]): BigInt64Array => BigInt64Array.from(values, BigInt);

it('gathers the layers of each token, chunk by chunk; dense layers have none', () => {
  const record = new RoutingRecord();
  record.add(0, 1, ids(4, 2, 3, 1), 2);
  record.add(0, 2, ids(5, 6, 7, 0), 2);
  record.add(2, 1, ids(1, 0), 2);
  record.add(2, 2, ids(3, 2), 2);
  expect(record.take()).toEqual([
    [null, [4, 2], [5, 6]],
    [null, [3, 1], [7, 0]],
    [null, [1, 0], [3, 2]],
  ]);
});

it('hands out each token once, also when a preempted sequence is computed again', () => {
  const record = new RoutingRecord();
  record.add(0, 0, ids(1, 2), 1);
  expect(record.take()).toEqual([[[1]], [[2]]]);
  record.add(0, 0, ids(1, 2, 3), 1);
  expect(record.take()).toEqual([[[3]]]);
  expect(record.take()).toEqual([]);
});

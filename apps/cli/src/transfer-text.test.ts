import { expect, it } from 'vitest';
import { transferText } from './transfer-text.js';

const GB = 1e9;

it.each([
  ['before anything came', { done: 5 * GB, total: 20 * GB, received: 0 }, 1000, '5.0 GB of 20.0 GB'],
  ['in seconds', { done: 10 * GB, total: 20 * GB, received: 10 * GB }, 20_000, '10.0 GB of 20.0 GB, 500.0 MB/s, 20 s left'],
  ['without what was there before', { done: 10 * GB, total: 20 * GB, received: GB }, 20_000, '10.0 GB of 20.0 GB, 50.0 MB/s, 4 min left'],
  ['in hours', { done: GB, total: 19 * GB, received: GB }, 1000_000, '1.0 GB of 19.0 GB, 1.0 MB/s, 5.0 h left'],
  ['at the end', { done: 20 * GB, total: 20 * GB, received: 20 * GB }, 20_000, '20.0 GB of 20.0 GB, 1.0 GB/s'],
])('a transfer is told %s', (_, transfer, elapsedMs, text) => {
  expect(transferText(transfer, elapsedMs)).toBe(text);
});

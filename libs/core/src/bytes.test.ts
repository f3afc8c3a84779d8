import { expect, it } from 'vitest';
import { formatBytes } from './bytes.js';

it.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [33_609_500_000, '33.6 GB'],
  [5e15, '5000.0 TB'],
])('%i bytes are written %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

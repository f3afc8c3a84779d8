import { expect, it } from 'vitest';
import { PackProgressText } from './pack-progress.js';

it('says how far packing is, how fast, and how long it will take', () => {
  let seconds = 100;
  const text = new PackProgressText(() => seconds);
  const total = { totalWeights: 1000 };
  const before = { ...total, step: 'what was packed before', doneWeights: 200, writtenWeights: 0, writtenBytes: 0 };
  expect(text.of(before)).toBe('packing 20 %: what was packed before');
  seconds = 110;
  const now = { ...total, step: 'layer 3, shard 2', doneWeights: 300, writtenWeights: 100, writtenBytes: 5e9 };
  expect(text.of(now)).toBe('packing 30 %: layer 3, shard 2 · 0.50 GB/s · 1:10 left');
});

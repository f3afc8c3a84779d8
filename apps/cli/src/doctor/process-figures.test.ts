import { expect, it } from 'vitest';
import { ownFiles } from './process-figures.js';

it('the files of a worker are those of its shards, the files of the router its own and those of its shards', () => {
  const worker = ownFiles(false, [1, 10]);
  expect(worker('shards/01/layer-000.bin')).toBe(true);
  expect(worker('shards/10/layer-000-expert-010.onnx')).toBe(true);
  expect(worker('shards/00/layer-000.bin')).toBe(false);
  expect(worker('router/head.bin')).toBe(false);
  const router = ownFiles(true, []);
  expect(router('router/head.bin')).toBe(true);
  expect(router('tokenizer/tokenizer.json')).toBe(true);
  expect(router('shards/01/layer-000.bin')).toBe(false);
  expect(ownFiles(true, 'all')('shards/01/layer-000.bin')).toBe(true);
});

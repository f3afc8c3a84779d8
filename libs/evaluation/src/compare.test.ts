import { expect, it } from 'vitest';
import { windowsOf } from './compare.js';

it('cuts a text into windows that fit the context, 512 tokens at most, and loses none', () => {
  const ids = Array.from({ length: 1030 }, (_, index) => index);
  expect(windowsOf(ids, 4096).map(({ length }) => length)).toEqual([512, 512, 6]);
  expect(windowsOf(ids, 500).map(({ length }) => length)).toEqual([500, 500, 30]);
  expect(windowsOf(ids, 500).flat()).toEqual(ids);
});

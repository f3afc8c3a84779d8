import { expect, it } from 'vitest';
import { addScaled } from './add-scaled.js';

it.each([0, 1, 3, 4, 5, 11])('adds %i numbers, and touches no others', (length) => {
  const source = Float32Array.from({ length: 20 }, (_, index) => index + 1);
  const target = Float32Array.from({ length: 20 }, (_, index) => 100 * index);
  const expected = target.map((value, index) => (index >= 2 && index < 2 + length ? value + 0.5 * source[index + 3]! : value));
  addScaled(target, 2, source, 5, length, 0.5);
  expect(target).toEqual(expected);
});

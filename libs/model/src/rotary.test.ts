import { expect, it } from 'vitest';
import { Rotary } from './rotary.js';

const PLAIN = { headDim: 4, ropeTheta: 100, ropeScaling: null };

function rotated(rotary: Rotary, position: number, head: number[]): number[] {
  const target = new Float32Array(4);
  rotary.rotate(Float32Array.from(head), 0, target, 0, rotary.angles(Int32Array.of(0, position)), 1);
  return [...target];
}

it('turns each pair of halves by position × frequency', () => {
  const [a, b, c, d] = rotated(new Rotary(PLAIN), 3, [1, 0, 0, 1]);
  expect(a).toBeCloseTo(Math.cos(3));
  expect(c).toBeCloseTo(Math.sin(3));
  expect(b).toBeCloseTo(-Math.sin(0.3)); // the second frequency is 100^(−1/2)
  expect(d).toBeCloseTo(Math.cos(0.3));
});

it('leaves position 0 as it is, and the product of query and key depends on their distance alone', () => {
  const rotary = new Rotary(PLAIN);
  const [query, key] = [
    [0.3, -1, 2, 0.5],
    [1, 0.2, -0.7, 1.5],
  ];
  expect(rotated(rotary, 0, query)).toEqual([...Float32Array.from(query)]);
  const product = (queryAt: number, keyAt: number): number => {
    const k = rotated(rotary, keyAt, key);
    return rotated(rotary, queryAt, query).reduce((sum, value, i) => sum + value * k[i]!, 0);
  };
  expect(product(9, 4)).toBeCloseTo(product(105, 100), 3);
});

it('divides positions where scaling is linear', () => {
  const scaled = new Rotary({ ...PLAIN, ropeScaling: { type: 'linear', factor: 4 } });
  expect(rotated(scaled, 12, [1, 2, 3, 4])).toEqual(rotated(new Rotary(PLAIN), 3, [1, 2, 3, 4]));
});

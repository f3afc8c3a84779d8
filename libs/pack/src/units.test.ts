import { ShardRule } from '@ringmesh/placement';
import { expectedTensors } from '@ringmesh/weights';
import { describe, expect, it } from 'vitest';
import { readShape } from './synthetic/shapes.js';
import { unitsOf } from './units.js';

describe('unitsOf', () => {
  it('counts every weight once, under different labels', async () => {
    const { config } = await readShape('ring-lite', 3);
    const units = unitsOf({ ...config, firstKDenseReplace: 1, intermediateSize: 5632 }, new ShardRule(64, 8));
    expect(new Set(units.map(({ label }) => label)).size).toBe(units.length);
    const sizes = [...expectedTensors({ ...config, firstKDenseReplace: 1, intermediateSize: 5632 }).values()];
    const total = sizes.reduce((sum, { axes }) => sum + axes.reduce((product, { size }) => product * size, 1), 0);
    expect(units.reduce((sum, { numWeights }) => sum + numWeights, 0)).toBe(total);
    expect(units.filter(({ part }) => part.type === 'experts').map(({ numWeights }) => numWeights)).toEqual(
      Array.from({ length: 16 }, () => 8 * 3 * 2048 * 1408),
    );
  });
});

describe('readShape', () => {
  it.each([
    ['ring-lite', 16.8e9],
    ['ling-plus', 290e9],
  ])('%s has the parameters that its authors say', async (name, parameters) => {
    const { config } = await readShape(name);
    const weights = unitsOf(config, new ShardRule(64, 8)).reduce((sum, { numWeights }) => sum + numWeights, 0);
    expect(weights / parameters).toBeCloseTo(1, 2);
  });

  it('names the field of a shape that cannot be', async () => {
    await expect(readShape('/nowhere/shape.json')).rejects.toThrow(/shape\.json cannot be read/);
  });
});

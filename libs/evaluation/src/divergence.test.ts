import { EngineFailedError } from '@ringmesh/core';
import { describe, expect, it } from 'vitest';
import { DivergenceCollector } from './divergence.js';

/** Logits with these probabilities, and some constant added. */
function logits(probabilities: number[], shift = 0): Float32Array {
  return Float32Array.from(probabilities, (probability) => Math.log(probability) + shift);
}

describe('DivergenceCollector', () => {
  it('gives the divergence in nats, whatever constant the logits are shifted by', () => {
    const collector = new DivergenceCollector();
    collector.add(logits([0.5, 0.5], 3), logits([0.25, 0.75], -40));
    const { klMean, klMax, top1Agreement, positions } = collector.read();
    const expected = 0.5 * Math.log(0.5 / 0.25) + 0.5 * Math.log(0.5 / 0.75);
    expect(klMean).toBeCloseTo(expected, 5);
    expect(klMax).toBe(klMean);
    expect([top1Agreement, positions]).toEqual([0, 1]); // of two that are equal, the first counts
  });

  it('is zero for the same logits', () => {
    const collector = new DivergenceCollector();
    collector.add(logits([0.1, 0.7, 0.2]), logits([0.1, 0.7, 0.2]));
    expect(collector.read()).toEqual({ positions: 1, klMean: 0, klP99: 0, klMax: 0, top1Agreement: 1 });
  });

  it('gives mean, 99th percentile and largest, in whatever order they come', () => {
    const collector = new DivergenceCollector();
    const reference = logits([1 - 1e-6, 1e-6]);
    for (let i = 0; i < 200; i++) collector.add(reference, i === 7 || i === 90 ? logits([0.1, 0.9]) : reference);
    collector.add(reference, logits([0.01, 0.99]));
    const { klMean, klP99, klMax, top1Agreement } = collector.read();
    expect(klMax).toBeCloseTo(Math.log(100), 3);
    expect(klP99).toBeCloseTo(Math.log(10), 3); // the 199th of 201
    expect(klMean).toBeCloseTo((Math.log(100) + 2 * Math.log(10)) / 201, 4);
    expect(top1Agreement).toBe(198 / 201);
  });

  it.each([NaN, Infinity])('fails on %d among the logits', (value) => {
    const good = logits([0.5, 0.5]);
    const collector = new DivergenceCollector();
    expect(() => {
      collector.add(good, Float32Array.of(0, value));
    }).toThrow(EngineFailedError);
    expect(() => {
      collector.add(Float32Array.of(value, 0), good);
    }).toThrow(EngineFailedError);
  });

  it('says nothing of no position', () => {
    expect(() => new DivergenceCollector().read()).toThrow(RangeError);
  });
});

import { uniform } from '@ringmesh/testing';
import { describe, expect, it } from 'vitest';
import { DecodeAttention } from './decode-attention.js';

/** By its definition, in float64. @returns [group · D] */
function attentionOf(query: Float32Array, keys: Float32Array, values: Float32Array, D: number): Float64Array {
  const L = keys.length / D;
  const output = new Float64Array(query.length);
  for (let head = 0; head < query.length / D; head++) {
    const scores = Array.from({ length: L }, (_, token) => {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += query[head * D + d]! * keys[token * D + d]!;
      return sum / Math.sqrt(D);
    });
    const largest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - largest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [token, weight] of weights.entries()) {
      for (let d = 0; d < D; d++) output[head * D + d]! += (weight / total) * values[token * D + d]!;
    }
  }
  return output;
}

describe('DecodeAttention', () => {
  it.each([
    [128, 4],
    [128, 8],
    [64, 1],
    [16, 2],
    [24, 3],
    [12, 6],
    [20, 5],
  ])('heads of %i, %i queries to a KV head: any context, longer or shorter than the one before', (D, group) => {
    const attention = new DecodeAttention(D);
    const random = uniform(D * group);
    for (const [L, spread] of [
      [1, 1],
      [2, 1],
      [31, 3],
      [33, 10],
      [700, 1],
      [5000, 30],
      [64, 200],
    ] as const) {
      const [query, keys, values] = [group, L, L].map((rows) => Float32Array.from({ length: rows * D }, () => random() * spread)) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const output = new Float32Array(query.length + 6).fill(7);
      attention.run(query, keys, values, output, 3);
      const expected = attentionOf(query, keys, values, D);
      const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(output[3 + i]! - value)), 0);
      expect(error, `context ${L}`).toBeLessThan(3e-6 * spread * Math.max(1, spread));
      expect([...output.slice(0, 3), ...output.slice(-3)]).toEqual([7, 7, 7, 7, 7, 7]); // nothing beside it is touched
    }
  });

  it('does not carry over what one token left behind', () => {
    const [D, L] = [16, 40];
    const random = uniform(1);
    const rows = (count: number): Float32Array => Float32Array.from({ length: count * D }, random);
    const [query, keys, values] = [rows(4), rows(L), rows(L)];
    const run = (attention: DecodeAttention): Float32Array => {
      const output = new Float32Array(4 * D);
      attention.run(query, keys, values, output, 0);
      return output;
    };
    const used = new DecodeAttention(D);
    used.run(rows(4).fill(NaN), rows(L + 1).fill(NaN), rows(L + 1).fill(Infinity), new Float32Array(4 * D), 0);
    expect(run(used)).toEqual(run(new DecodeAttention(D)));
  });
});

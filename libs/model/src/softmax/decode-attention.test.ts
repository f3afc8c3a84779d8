import { KV_CACHE_DTYPES, type KvCacheDtype } from '@ringmesh/kv-cache';
import { uniform } from '@ringmesh/testing';
import { describe, expect, it } from 'vitest';
import type { CachedRows, DecodeAttention } from './decode-attention.js';
import { KEY_VALUE_FORMATS } from './key-value-format.js';

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

/** Rows as a cache of this format has them. */
function cached(dtype: KvCacheDtype, source: Float32Array, D: number): CachedRows {
  const rows: CachedRows =
    dtype === 'float32'
      ? { data: new Float32Array(source.length) }
      : { data: new Int8Array(source.length), scales: new Float32Array(source.length / D) };
  KEY_VALUE_FORMATS[dtype].write(source, rows);
  return rows;
}

/** The numbers that they stand for. @returns [L, D] */
function valuesOf({ data, scales }: CachedRows, D: number): Float32Array {
  return Float32Array.from(data, (value, i) => value * (scales?.[Math.floor(i / D)] ?? 1));
}

describe.each([...KV_CACHE_DTYPES])('attention of one token, keys and values as %s', (dtype) => {
  const format = KEY_VALUE_FORMATS[dtype];

  it.each([
    [128, 4],
    [128, 8],
    [64, 1],
    [16, 2],
    [24, 3],
    [12, 6],
    [20, 5],
  ])('heads of %i, %i queries to a KV head: any context, longer or shorter than the one before', (D, group) => {
    const attention = format.openDecode(D);
    const random = uniform(D * group);
    for (const [L, spread] of [
      [1, 1],
      [2, 1],
      [31, 3],
      [33, 10],
      [127, 2],
      [700, 1],
      [5001, 30],
      [64, 200],
    ] as const) {
      const rows = (count: number): Float32Array => Float32Array.from({ length: count * D }, () => random() * spread);
      const query = rows(group);
      const [keys, values] = [cached(dtype, rows(L), D), cached(dtype, rows(L), D)];
      const output = new Float32Array(query.length + 6).fill(7);
      attention.run(query, keys, values, output, 3);
      const expected = attentionOf(query, valuesOf(keys, D), valuesOf(values, D), D);
      const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(output[3 + i]! - value)), 0);
      // Scores grow with both the query's spread and the keys'; int8 rounds queries and weights to 15 bits.
      const unit = dtype === 'float32' ? 3e-6 : 1.5e-4;
      expect(error, `context ${L}`).toBeLessThan(unit * spread * Math.max(1, spread));
      expect([...output.slice(0, 3), ...output.slice(-3)]).toEqual([7, 7, 7, 7, 7, 7]); // nothing beside it is touched
    }
  });

  it('says so where a key, a value or the query is not a number', () => {
    const [D, L] = [16, 40];
    for (const broken of [NaN, Infinity]) {
      for (const where of ['query', 'key', 'value'] as const) {
        const one = (count: number, name: string): Float32Array =>
          new Float32Array(count * D).fill(1).fill(name === where ? broken : 1, 0, 1);
        const output = new Float32Array(D);
        format.openDecode(D).run(one(1, 'query'), cached(dtype, one(L, 'key'), D), cached(dtype, one(L, 'value'), D), output, 0);
        expect(Number.isFinite(output[0]), `${where} ${broken}`).toBe(false);
      }
    }
  });

  it('does not carry over what one token left behind', () => {
    const [D, L] = [16, 40];
    const random = uniform(1);
    const rows = (count: number): Float32Array => Float32Array.from({ length: count * D }, random);
    const [query, keys, values] = [rows(4), cached(dtype, rows(L), D), cached(dtype, rows(L), D)];
    const run = (attention: DecodeAttention): Float32Array => {
      const output = new Float32Array(4 * D);
      attention.run(query, keys, values, output, 0);
      return output;
    };
    const used = format.openDecode(D);
    const broken = (value: number): CachedRows => cached(dtype, rows(L + 1).fill(value), D);
    used.run(rows(4).fill(NaN), broken(NaN), broken(Infinity), new Float32Array(4 * D), 0);
    expect(run(used)).toEqual(run(format.openDecode(D)));
  });
});

describe('int8', () => {
  it('rounds each row to 127 steps of its largest number', () => {
    const D = 24;
    const random = uniform(3);
    const source = Float32Array.from({ length: 50 * D }, (_, i) => random() * 10 ** (Math.floor(i / D) % 9) - 3);
    source.fill(0, 7 * D, 8 * D);
    const rows = cached('int8', source, D);
    for (const [i, value] of valuesOf(rows, D).entries()) {
      const row = source.subarray(Math.floor(i / D) * D, (Math.floor(i / D) + 1) * D);
      const largest = row.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
      expect(Math.abs(value - source[i]!)).toBeLessThanOrEqual((largest / 127) * 0.5001);
    }
    expect(rows.data.subarray(7 * D, 8 * D).every((value) => value === 0)).toBe(true);
  });
});

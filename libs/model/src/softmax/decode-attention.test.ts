import {
  allocateBlockMemory,
  CacheLayout,
  CacheView,
  KV_CACHE_DTYPES,
  type KvCacheDtype,
  KvCachePool,
  type SequenceCache,
} from '@ringmesh/kv-cache';
import { uniform } from '@ringmesh/testing';
import { describe, expect, it } from 'vitest';
import type { DecodeAttention, HeadRows } from './decode-attention.js';
import { type CachedRows, KEY_VALUE_FORMATS } from './key-value-format.js';

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
function written(dtype: KvCacheDtype, source: Float32Array, D: number): CachedRows {
  const rows = KEY_VALUE_FORMATS[dtype].allocate(source.length / D, D);
  KEY_VALUE_FORMATS[dtype].write(source, rows);
  return rows;
}

/** The numbers that they stand for. @returns [L, D] */
function valuesOf({ data, scales }: CachedRows, D: number): Float32Array {
  return Float32Array.from(data, (value, i) => value * (scales?.[Math.floor(i / D)] ?? 1));
}

/** A pool of caches with one layer and one KV head, in two memories, and attention over them. */
class OneHead {
  readonly attention: DecodeAttention;
  readonly layout: CacheLayout;
  private readonly pool: KvCachePool;

  constructor(
    private readonly dtype: KvCacheDtype,
    private readonly D: number,
    byteLimit = 2 ** 25,
  ) {
    const rowBytes = KEY_VALUE_FORMATS[dtype].rowBytes(D).flatMap((bytes) => [bytes, bytes]);
    this.layout = new CacheLayout([{ rowBytes, stateLength: 0 }]);
    const half = allocateBlockMemory(this.layout, byteLimit / 2);
    const blocksPerMemory = Math.floor(byteLimit / 2 / this.layout.blockBytes);
    const memories = [...half.memories, ...allocateBlockMemory(this.layout, byteLimit / 2).memories];
    this.pool = new KvCachePool(this.layout, byteLimit, { memories, blocksPerMemory });
    this.attention = KEY_VALUE_FORMATS[dtype].openDecode(D, this.pool.memory);
  }

  /** Blocks that sequences before left behind, full of NaN, so that those of the next one are in any order. */
  litter(numBlocks: number): void {
    const caches = Array.from({ length: numBlocks }, () =>
      this.cached(new Float32Array(64 * this.D).fill(NaN), new Float32Array(64 * this.D)),
    );
    for (const index of [3, 0, 2, 1, ...caches.keys()]) caches[index]?.cache.release();
  }

  /** @param keys [L, D] @param values [L, D] */
  cached(keys: Float32Array, values: Float32Array): { cache: SequenceCache; rows: HeadRows } {
    const format = KEY_VALUE_FORMATS[this.dtype];
    const cache = this.pool.open();
    const length = keys.length / this.D;
    expect(cache.reserve(length)).toBe(true);
    const view = new CacheView(this.layout, this.pool.memory, cache.memory);
    const rows = { cache: view, length, keys: { layer: 0, row: 0, numRows: 2 }, values: { layer: 0, row: 1, numRows: 2 } };
    const end = length + (length % 2);
    for (const [index, source] of [
      [rows.keys, keys],
      [rows.values, values],
    ] as const) {
      // The last of an odd number has a copy beside it.
      const all = new Float32Array(end * this.D);
      all.set(source);
      if (end > length) all.copyWithin(length * this.D, (length - 1) * this.D, length * this.D);
      for (const span of view.spans(0, end)) {
        format.write(all.subarray(span.first * this.D, span.end * this.D), format.rowsOf(view, index, span));
      }
    }
    return { cache, rows };
  }
}

describe.each([...KV_CACHE_DTYPES])('attention of one token, keys and values as %s', (dtype) => {
  it.each([
    [128, 4],
    [128, 8],
    [64, 1],
    [16, 2],
    [24, 3],
    [8, 6],
    [40, 5],
  ])('heads of %i, %i queries to a KV head: any context, longer or shorter than the one before', (D, group) => {
    const head = new OneHead(dtype, D);
    head.litter(9);
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
      const [keys, values] = [rows(L), rows(L)];
      const { cache, rows: cached } = head.cached(keys, values);
      const output = new Float32Array(query.length + 6).fill(7);
      head.attention.run(query, cached, output, 3);
      const expected = attentionOf(query, valuesOf(written(dtype, keys, D), D), valuesOf(written(dtype, values, D), D), D);
      const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(output[3 + i]! - value)), 0);
      // Scores grow with both the query's spread and the keys'; int8 rounds queries and weights to 15 bits.
      const unit = dtype === 'float32' ? 3e-6 : 1.5e-4;
      expect(error, `context ${L}`).toBeLessThan(unit * spread * Math.max(1, spread));
      expect([...output.slice(0, 3), ...output.slice(-3)]).toEqual([7, 7, 7, 7, 7, 7]); // nothing beside it is touched
      cache.release();
    }
  });

  it('says so where a key, a value or the query is not a number', () => {
    const [D, L] = [16, 40];
    for (const broken of [NaN, Infinity]) {
      for (const where of ['query', 'key', 'value'] as const) {
        const one = (count: number, name: string): Float32Array =>
          new Float32Array(count * D).fill(1).fill(name === where ? broken : 1, 0, 1);
        const output = new Float32Array(D);
        const head = new OneHead(dtype, D);
        head.attention.run(one(1, 'query'), head.cached(one(L, 'key'), one(L, 'value')).rows, output, 0);
        expect(Number.isFinite(output[0]), `${where} ${broken}`).toBe(false);
      }
    }
  });

  it('does not carry over what one token left behind', () => {
    const [D, L] = [16, 40];
    const random = uniform(1);
    const rows = (count: number): Float32Array => Float32Array.from({ length: count * D }, random);
    const [query, keys, values] = [rows(4), rows(L), rows(L)];
    const run = (head: OneHead): Float32Array => {
      const output = new Float32Array(4 * D);
      head.attention.run(query, head.cached(keys, values).rows, output, 0);
      return output;
    };
    const used = new OneHead(dtype, D);
    const { cache, rows: broken } = used.cached(rows(L + 1).fill(NaN), rows(L + 1).fill(Infinity));
    used.attention.run(rows(4).fill(NaN), broken, new Float32Array(4 * D), 0);
    cache.release();
    expect(run(used)).toEqual(run(new OneHead(dtype, D)));
  });
});

describe('int8', () => {
  it('rounds each row to 127 steps of its largest number', () => {
    const D = 24;
    const random = uniform(3);
    const source = Float32Array.from({ length: 50 * D }, (_, i) => random() * 10 ** (Math.floor(i / D) % 9) - 3);
    source.fill(0, 7 * D, 8 * D);
    const rows = written('int8', source, D);
    for (const [i, value] of valuesOf(rows, D).entries()) {
      const row = source.subarray(Math.floor(i / D) * D, (Math.floor(i / D) + 1) * D);
      const largest = row.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
      expect(Math.abs(value - source[i]!)).toBeLessThanOrEqual((largest / 127) * 0.5001);
    }
    expect(rows.data.subarray(7 * D, 8 * D).every((value) => value === 0)).toBe(true);
  });
});

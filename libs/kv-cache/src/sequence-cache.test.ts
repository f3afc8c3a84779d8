import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CacheView } from './cache-memory.js';
import { KvCachePool } from './kv-cache-pool.js';

const SHAPE = { numLayers: 2, numKeyValueHeads: 3, headDim: 4 };

/** [T, D], each value telling layer, head, position and dimension. */
function rows(layer: number, head: number, first: number, count: number): Float32Array {
  return Float32Array.from({ length: count * SHAPE.headDim }, (_, i) =>
    value(layer, head, first + Math.floor(i / SHAPE.headDim), i % SHAPE.headDim),
  );
}

function value(layer: number, head: number, position: number, d: number): number {
  return ((layer * 10 + head) * 1000 + position) * 10 + d;
}

describe('SequenceCache', () => {
  it('gives back what was appended, however it grew', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 8 }), (chunks) => {
        const cache = new KvCachePool(SHAPE, Infinity).open();
        for (const count of chunks) {
          expect(cache.reserve(count)).toBe(true);
          for (let layer = 0; layer < SHAPE.numLayers; layer++) {
            for (let head = 0; head < SHAPE.numKeyValueHeads; head++) {
              const keys = rows(layer, head, cache.length, count);
              const view = new CacheView(SHAPE, cache);
              view.keys(layer, head, cache.length, cache.length + count).set(keys);
              view.values(layer, head, cache.length, cache.length + count).set(keys.map((x) => -x));
            }
          }
          cache.advance(count);
        }
        for (let layer = 0; layer < SHAPE.numLayers; layer++) {
          for (let head = 0; head < SHAPE.numKeyValueHeads; head++) {
            const keys = new CacheView(SHAPE, cache).keys(layer, head, 0, cache.length);
            const values = new CacheView(SHAPE, cache).values(layer, head, 0, cache.length);
            for (let i = 0; i < keys.length; i++) {
              const expected = value(layer, head, Math.floor(i / SHAPE.headDim), i % SHAPE.headDim);
              if (keys[i] !== expected || values[i] !== -expected) return false;
            }
          }
        }
        return true;
      }),
    );
  });
});

describe('KvCachePool', () => {
  it('never goes over its limit, and release gives everything back', () => {
    const pool = new KvCachePool(SHAPE, new KvCachePool(SHAPE, 0).bytesFor(128));
    const first = pool.open();
    const second = pool.open();
    expect(first.reserve(64)).toBe(true);
    expect(second.reserve(64)).toBe(true);
    expect(first.reserve(65)).toBe(false);
    expect(pool.bytesInUse).toBe(pool.byteLimit);
    second.release();
    expect(first.reserve(65)).toBe(true);
    first.release();
    expect(pool.bytesInUse).toBe(0);
  });

  it('knows what one sequence can have, and takes', () => {
    const pool = new KvCachePool(SHAPE, new KvCachePool(SHAPE, 0).bytesFor(200));
    expect(pool.maxSequenceTokens).toBe(192);
    expect(pool.open().reserve(193)).toBe(false);
    expect(pool.open().reserve(192)).toBe(true);
    expect(pool.bytesInUse).toBe(pool.sequenceBytes(129));
    expect(pool.sequenceBytes(128)).toBeLessThan(pool.sequenceBytes(129));
  });

  it('takes no more than the tokens need, though a buffer has addresses for more', () => {
    const bytesFor = (tokens: number): number => new KvCachePool(SHAPE, 0).bytesFor(tokens);
    const pool = new KvCachePool(SHAPE, bytesFor(320));
    const cache = pool.open();
    cache.reserve(256);
    cache.advance(256);
    expect(cache.reserve(1)).toBe(true);
    expect(pool.bytesInUse).toBe(bytesFor(320));
    expect(cache.capacity).toBeGreaterThan(320);
    expect(cache.reserve(65)).toBe(false);
  });
});

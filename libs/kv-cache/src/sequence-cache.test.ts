import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KvCachePool } from './kv-cache-pool.js';

const SHAPE = { numLayers: 2, numKeyValueHeads: 3, headDim: 4 };

/** [KV heads, T, D], each value telling layer, head, position and dimension. */
function rows(layer: number, first: number, count: number): Float32Array {
  const data = new Float32Array(SHAPE.numKeyValueHeads * count * SHAPE.headDim);
  for (let head = 0; head < SHAPE.numKeyValueHeads; head++) {
    for (let token = 0; token < count; token++) {
      for (let d = 0; d < SHAPE.headDim; d++) {
        data[(head * count + token) * SHAPE.headDim + d] = value(layer, head, first + token, d);
      }
    }
  }
  return data;
}

function value(layer: number, head: number, position: number, d: number): number {
  return ((layer * 10 + head) * 1000 + position) * 10 + d;
}

describe('SequenceCache', () => {
  it('gives back what was appended, however it grew', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 }), (chunks) => {
        const cache = new KvCachePool(SHAPE, Infinity).open();
        for (const count of chunks) {
          expect(cache.reserve(count)).toBe(true);
          for (let layer = 0; layer < SHAPE.numLayers; layer++) {
            const keys = rows(layer, cache.length, count);
            cache.append(
              layer,
              keys,
              keys.map((x) => -x),
              count,
              0,
              count,
            );
          }
          cache.advance(count);
        }
        for (let layer = 0; layer < SHAPE.numLayers; layer++) {
          for (let head = 0; head < SHAPE.numKeyValueHeads; head++) {
            const keys = cache.keyView(layer, head, cache.length);
            const values = cache.valueView(layer, head, cache.length);
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

  it('takes only its own rows of a batch', () => {
    const cache = new KvCachePool(SHAPE, Infinity).open();
    cache.reserve(2);
    const batch = rows(0, 0, 5);
    cache.append(0, batch, batch, 5, 3, 2);
    cache.advance(2);
    expect(cache.keyView(0, 1, 2)[0]).toBe(value(0, 1, 3, 0));
    expect(cache.keyView(0, 1, 2)[SHAPE.headDim]).toBe(value(0, 1, 4, 0));
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

  it('prefers to grow by half, but takes the exact size when that is all there is', () => {
    const bytesFor = (tokens: number): number => new KvCachePool(SHAPE, 0).bytesFor(tokens);
    const pool = new KvCachePool(SHAPE, bytesFor(320));
    const cache = pool.open();
    cache.reserve(256);
    cache.advance(256);
    expect(cache.reserve(1)).toBe(true);
    expect(pool.bytesInUse).toBe(bytesFor(320));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CacheLayout } from './cache-layout.js';
import { CacheView } from './cache-view.js';
import { KvCachePool } from './kv-cache-pool.js';

/** Layers of different kinds: rows of several widths, a state, both. */
const LAYOUT = new CacheLayout([
  { rowBytes: Array<number>(6).fill(16), stateLength: 0 },
  { rowBytes: [], stateLength: 10 },
  { rowBytes: [28], stateLength: 5 },
  { rowBytes: [16, 4, 8, 16, 4, 24], stateLength: 0 },
]);

/** Each of them differs from all others. */
function value(layer: number, row: number, position: number, index: number): number {
  return ((layer * 10 + row) * 1000 + position) * 10 + index;
}

/** Every row of every layer. */
function forEachRow(visit: (layer: number, row: number, rowLength: number) => void): void {
  for (const [layer, { rowBytes }] of LAYOUT.layers.entries()) {
    for (const [row, bytes] of rowBytes.entries()) visit(layer, row, bytes / 4);
  }
}

describe('SequenceCache', () => {
  it('gives back what was appended, however it grew', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 8 }), (chunks) => {
        const cache = new KvCachePool(LAYOUT, Infinity).open();
        for (const count of chunks) {
          expect(cache.reserve(count)).toBe(true);
          const { length } = cache;
          const view = new CacheView(LAYOUT, cache.memory);
          forEachRow((layer, row, rowLength) => {
            const rows = view.floats(layer, row, length, length + count); // [count, row]
            for (let i = 0; i < rows.length; i++) rows[i] = value(layer, row, length + Math.floor(i / rowLength), i % rowLength);
          });
          cache.advance(count);
        }
        let wrong = 0;
        forEachRow((layer, row, rowLength) => {
          const rows = new CacheView(LAYOUT, cache.memory).floats(layer, row, 0, cache.length);
          for (let i = 0; i < rows.length; i++) if (rows[i] !== value(layer, row, Math.floor(i / rowLength), i % rowLength)) wrong++;
        });
        return wrong === 0;
      }),
    );
  });

  it('has a state that only a counted step changes, and that grows with it', () => {
    const cache = new KvCachePool(LAYOUT, Infinity).open();
    const view = (): CacheView => new CacheView(LAYOUT, cache.memory);
    cache.reserve(1);
    expect([...view().state(1)]).toEqual(Array<number>(10).fill(0));
    view().nextState(1).fill(1);
    view().nextState(2).fill(2);
    // The step failed: what it wrote is not there.
    expect([...view().state(1), ...view().state(2)]).toEqual(Array<number>(15).fill(0));
    view().nextState(1).fill(3);
    view().nextState(2).fill(4);
    cache.advance(1);
    for (const reserved of [1, 5000]) {
      cache.reserve(reserved);
      expect([...view().state(1)]).toEqual(Array<number>(10).fill(3));
      expect([...view().state(2)]).toEqual(Array<number>(5).fill(4));
    }
    cache.release();
    cache.reserve(1);
    expect([...view().state(1)]).toEqual(Array<number>(10).fill(0));
  });
});

describe('KvCachePool', () => {
  const sequenceBytes = (tokens: number): number => new KvCachePool(LAYOUT, 0).sequenceBytes(tokens);

  it('never goes over its limit, and release gives everything back', () => {
    const pool = new KvCachePool(LAYOUT, 2 * sequenceBytes(64));
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

  it('counts both versions of a state, once a sequence', () => {
    const states = 2 * (10 + 5) * 4;
    const rows = 64 * (24 + 7 + 18) * 4;
    expect(sequenceBytes(1)).toBe(states + rows);
    expect(sequenceBytes(200)).toBe(states + 4 * rows);
    const pool = new KvCachePool(LAYOUT, Infinity);
    const cache = pool.open();
    for (const tokens of [1, 60, 64, 65, 300]) {
      cache.reserve(tokens);
      expect(pool.bytesInUse).toBe(sequenceBytes(tokens));
      expect(cache.bytes).toBe(pool.bytesInUse);
    }
  });

  it('knows what one sequence can have, and takes', () => {
    const pool = new KvCachePool(LAYOUT, sequenceBytes(192) + 1);
    expect(pool.maxSequenceTokens).toBe(192);
    expect(pool.open().reserve(193)).toBe(false);
    expect(pool.open().reserve(192)).toBe(true);
    expect(pool.bytesInUse).toBe(pool.sequenceBytes(129));
    expect(pool.sequenceBytes(128)).toBeLessThan(pool.sequenceBytes(129));
    expect(new KvCachePool(LAYOUT, LAYOUT.stateBytes - 1).maxSequenceTokens).toBe(0);
  });

  it('takes no more than the tokens need, though a buffer has addresses for more', () => {
    const pool = new KvCachePool(LAYOUT, sequenceBytes(320));
    const cache = pool.open();
    cache.reserve(256);
    cache.advance(256);
    expect(cache.reserve(1)).toBe(true);
    expect(pool.bytesInUse).toBe(sequenceBytes(320));
    expect(cache.memory.capacity).toBeGreaterThan(320);
    expect(cache.reserve(65)).toBe(false);
  });
});

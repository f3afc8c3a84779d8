import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateBlockMemory } from './block-memory.js';
import { CacheLayout } from './cache-layout.js';
import { CacheView } from './cache-view.js';
import { KvCachePool } from './kv-cache-pool.js';
import type { SequenceCache } from './sequence-cache.js';

/** Layers of different kinds: rows of several widths, a state, both. */
const LAYOUT = new CacheLayout([
  { rowBytes: Array<number>(6).fill(16), stateLength: 0 },
  { rowBytes: [], stateLength: 10 },
  { rowBytes: [28], stateLength: 5 },
  { rowBytes: [16, 4, 8, 16, 4, 24], stateLength: 0 },
]);
const PLENTY = LAYOUT.sequenceBytes(20_000);

/** A pool whose blocks are in three memories and more. */
function scatteredPool(): KvCachePool {
  const blocksPerMemory = 7;
  const memories = Array.from({ length: 50 }, () => allocateBlockMemory(LAYOUT, blocksPerMemory * LAYOUT.blockBytes).memories[0]!);
  return new KvCachePool(LAYOUT, PLENTY, { memories, blocksPerMemory });
}

/** Each of them differs from all others. */
function value(sequence: number, layer: number, row: number, position: number, index: number): number {
  return (((sequence * 4 + layer) * 10 + row) * 1000 + position) * 10 + index;
}

/** Every row of every layer, block by block. */
function forEachRow(
  pool: KvCachePool,
  cache: SequenceCache,
  [first, end]: [number, number],
  visit: (rows: Float32Array, layer: number, row: number, rowLength: number, position: number) => void,
): void {
  const view = new CacheView(LAYOUT, pool.memory, cache.memory);
  for (const [layer, { rowBytes }] of LAYOUT.layers.entries()) {
    for (const [row, bytes] of rowBytes.entries()) {
      for (const span of view.spans(first, end)) visit(view.floats(layer, row, span), layer, row, bytes / 4, span.first);
    }
  }
}

describe('SequenceCache', () => {
  it('gives back what was appended, however several grew in turn and others came and went', () => {
    const turn = fc.record({ sequence: fc.integer({ min: 0, max: 3 }), count: fc.integer({ min: 0, max: 200 }) });
    const pool = scatteredPool();
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 20 }), (turns) => {
        const caches = Array.from({ length: 4 }, () => pool.open());
        for (const { sequence, count } of turns) {
          const cache = caches[sequence]!;
          if (count === 0) {
            cache.release();
            continue;
          }
          expect(cache.reserve(count)).toBe(true);
          const { length } = cache;
          forEachRow(pool, cache, [length, length + count], (rows, layer, row, rowLength, position) => {
            for (let i = 0; i < rows.length; i++)
              rows[i] = value(sequence, layer, row, position + Math.floor(i / rowLength), i % rowLength);
          });
          cache.advance(new Int32Array(count));
        }
        let wrong = 0;
        for (const [sequence, cache] of caches.entries()) {
          forEachRow(pool, cache, [0, cache.length], (rows, layer, row, rowLength, position) => {
            for (let i = 0; i < rows.length; i++) {
              if (rows[i] !== value(sequence, layer, row, position + Math.floor(i / rowLength), i % rowLength)) wrong++;
            }
          });
        }
        for (const cache of caches) cache.release();
        return wrong === 0 && pool.bytesInUse === 0;
      }),
    );
  });

  it('has a state that only a counted step changes, and that grows with it', () => {
    const pool = new KvCachePool(LAYOUT, PLENTY);
    const cache = pool.open();
    const view = (): CacheView => new CacheView(LAYOUT, pool.memory, cache.memory);
    cache.reserve(1);
    expect([...view().state(1)]).toEqual(Array<number>(10).fill(0));
    view().nextStates(1, 1)[0]!.fill(1);
    view().nextStates(2, 1)[0]!.fill(2);
    // The step failed: what it wrote is not there.
    expect([...view().state(1), ...view().state(2)]).toEqual(Array<number>(15).fill(0));
    view().nextStates(1, 1)[0]!.fill(3);
    view().nextStates(2, 1)[0]!.fill(4);
    cache.advance([0]);
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

describe('SequenceCache with drafts', () => {
  const layout = new CacheLayout(LAYOUT.layers, 3);

  it('has the state after each token of a short step, and goes on from that of the last one that counts', () => {
    const step = fc.record({
      drafts: fc.integer({ min: 0, max: 3 }),
      accepted: fc.integer({ min: 0, max: 3 }),
      prompt: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const pool = new KvCachePool(layout, layout.sequenceBytes(1000));
        const cache = pool.open();
        for (const { drafts, accepted, prompt } of steps) {
          // A chunk of a prompt, or a token with drafts after it.
          const [certain, more] = prompt > 0 ? [prompt, 0] : [1, drafts];
          const { length } = cache;
          expect(cache.reserve(certain + more)).toBe(true);
          const view = new CacheView(layout, pool.memory, cache.memory);
          expect(view.state(1)[0]).toBe(length);
          const next = view.nextStates(1, certain + more);
          for (const [index, state] of next.entries()) state.fill(length + certain + more - (next.length - 1 - index));
          cache.advance(new Int32Array(certain));
          for (let index = 0; index < Math.min(more, accepted); index++) cache.accept(0);
          expect(new CacheView(layout, pool.memory, cache.memory).state(1)[0]).toBe(cache.length);
        }
      }),
    );
  });

  it('gives back the blocks that drafts would have needed', () => {
    const pool = new KvCachePool(layout, layout.sequenceBytes(128));
    const cache = pool.open();
    cache.reserve(64);
    cache.advance(new Int32Array(63));
    expect(cache.reserve(4)).toBe(true);
    expect(pool.bytesInUse).toBe(layout.sequenceBytes(128));
    cache.advance([0]);
    cache.trim(64);
    cache.trim(100);
    expect(pool.bytesInUse).toBe(layout.sequenceBytes(64));
    cache.release();
    expect(pool.bytesInUse).toBe(0);
  });

  it('keeps for others only what was counted', () => {
    const pool = new KvCachePool(layout, layout.sequenceBytes(1000));
    const tokenIds = Array.from({ length: 70 }, (_, index) => index);
    const cache = pool.open({ tokenIds: tokenIds.slice(0, 60), cacheSalt: '' });
    cache.reserve(64);
    cache.advance(tokenIds.slice(0, 59));
    cache.advance(tokenIds.slice(59, 60));
    for (const tokenId of tokenIds.slice(60, 63)) cache.accept(tokenId);
    expect(pool.open({ tokenIds, cacheSalt: '' })).toHaveLength(0);
    cache.advance([63]);
    expect(pool.open({ tokenIds, cacheSalt: '' })).toHaveLength(64);
  });
});

describe('KvCachePool', () => {
  const sequenceBytes = (tokens: number): number => LAYOUT.sequenceBytes(tokens);

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
    const pool = new KvCachePool(LAYOUT, PLENTY);
    const cache = pool.open();
    for (const tokens of [1, 60, 64, 65, 300]) {
      cache.reserve(tokens);
      expect(pool.bytesInUse).toBe(sequenceBytes(tokens));
    }
  });

  it('has blocks for all that its limit allows, whatever came and went before', () => {
    const pool = new KvCachePool(LAYOUT, sequenceBytes(256));
    const caches = [64, 100, 64].map((tokens) => {
      const cache = pool.open();
      cache.reserve(tokens);
      return cache;
    });
    caches[1]!.release();
    caches[0]!.release();
    const cache = pool.open();
    expect(cache.reserve(128)).toBe(true);
    caches[2]!.release();
    expect(cache.reserve(256)).toBe(true);
    const blocks = [...cache.memory.blockTable];
    expect(new Set(blocks).size).toBe(4);
    expect(Math.max(...blocks)).toBe(3);
  });

  it('knows what one sequence can have, and takes', () => {
    const limit = sequenceBytes(192) + 1;
    const pool = new KvCachePool(LAYOUT, limit);
    expect(LAYOUT.maxSequenceTokens(limit)).toBe(192);
    expect(pool.open().reserve(193)).toBe(false);
    expect(pool.open().reserve(192)).toBe(true);
    expect(pool.bytesInUse).toBe(sequenceBytes(129));
    expect(sequenceBytes(128)).toBeLessThan(sequenceBytes(129));
    expect(LAYOUT.maxSequenceTokens(LAYOUT.stateBytes - 1)).toBe(0);
  });
});

describe('allocateBlockMemory', () => {
  it('takes as many memories as there are addresses for', () => {
    const wide = new CacheLayout([{ rowBytes: [2 ** 22 + 4], stateLength: 0 }]);
    const { memories, blocksPerMemory } = allocateBlockMemory(wide, 40 * wide.blockBytes);
    expect(blocksPerMemory).toBe(14);
    expect(memories.map(({ buffer }) => Math.floor(buffer.byteLength / wide.blockBytes))).toEqual([14, 14, 14]);
    expect(allocateBlockMemory(wide, wide.blockBytes - 1).memories).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_TOKENS, CacheLayout } from './cache-layout.js';
import { CacheView } from './cache-view.js';
import { KvCachePool } from './kv-cache-pool.js';
import type { SequenceCache } from './sequence-cache.js';

const ROWS = { rowBytes: [8], stateLength: 0 };
const STATE = { rowBytes: [], stateLength: 2 };

/** A model whose row of a token is the number of all tokens up to it, and whose state is the same number. */
class Model {
  readonly pool: KvCachePool;

  constructor(
    readonly layout: CacheLayout,
    numBlocks: number,
  ) {
    this.pool = new KvCachePool(layout, numBlocks * layout.blockBytes + 3 * layout.stateBytes);
  }

  /** Computes the tokens that a cache does not have. @returns whether there was room */
  compute(cache: SequenceCache, tokenIds: readonly number[], chunk: number): boolean {
    if (!cache.reserve(tokenIds.length - cache.length)) return false;
    while (cache.length < tokenIds.length) {
      const { length } = cache;
      const numPending = tokenIds.length - length;
      const end = length + (numPending === 1 ? 1 : cache.chunkOf(Math.min(chunk, numPending), numPending));
      const view = this.view(cache);
      for (const span of view.spans(length, end)) {
        const rows = view.floats(0, 0, span);
        for (let token = span.first; token < span.end; token++)
          rows.fill(numberOf(tokenIds, token + 1), (token - span.first) * 2, (token - span.first + 1) * 2);
      }
      if (this.layout.stateFloats > 0)
        view
          .nextStates(1, end - length)
          .at(-1)!
          .fill(numberOf(tokenIds, end));
      cache.advance(tokenIds.slice(length, end));
    }
    return true;
  }

  /** Whether everything in a cache is as if it had been computed. */
  isRight(cache: SequenceCache, tokenIds: readonly number[]): boolean {
    const view = this.view(cache);
    for (const span of view.spans(0, cache.length)) {
      const rows = view.floats(0, 0, span);
      for (let i = 0; i < rows.length; i++) if (rows[i] !== numberOf(tokenIds, span.first + Math.floor(i / 2) + 1)) return false;
    }
    return this.layout.stateFloats === 0 || cache.length === 0 || view.state(1)[0] === numberOf(tokenIds, cache.length);
  }

  private view(cache: SequenceCache): CacheView {
    return new CacheView(this.layout, this.pool.memory, cache.memory);
  }
}

/** Of the first `count` tokens, as a float32 that other beginnings hardly have. */
function numberOf(tokenIds: readonly number[], count: number): number {
  let number = 7;
  for (let i = 0; i < count; i++) number = (Math.imul(number, 31) + tokenIds[i]!) & 0xffffff;
  return number;
}

/** A few texts that begin alike: the blocks of a tree with two branches everywhere. */
const text = fc.record({ branches: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), tail: fc.integer({ min: 0, max: 70 }) });
function tokensOf({ branches, tail }: { branches: boolean[]; tail: number }): number[] {
  const blocks = branches.flatMap((branch) => Array<number>(BLOCK_TOKENS).fill(branch ? 1 : 2));
  return [...blocks, ...Array<number>(tail).fill(3)];
}

describe.each([
  ['rows', new CacheLayout([ROWS])],
  ['rows and a state', new CacheLayout([ROWS, STATE])],
])('sequences that share their beginnings: %s', (_, layout) => {
  it('have what they would have computed, whatever came and went, and never too much memory', () => {
    const step = fc.record({ text, chunk: fc.integer({ min: 1, max: 200 }), salt: fc.constantFrom('a', 'b', null), close: fc.nat() });
    let shared = 0;
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.array(step, { minLength: 1, maxLength: 25 }), (numBlocks, steps) => {
        const model = new Model(layout, numBlocks);
        const { pool } = model;
        const open: { cache: SequenceCache; tokenIds: number[] }[] = [];
        for (const { text: chosen, chunk, salt, close } of steps) {
          const tokenIds = tokensOf(chosen);
          const cache = pool.open({ tokenIds, cacheSalt: salt });
          expect(cache.length).toBeLessThan(tokenIds.length);
          shared += cache.length;
          expect(model.isRight(cache, tokenIds)).toBe(true);
          if (model.compute(cache, tokenIds, chunk)) open.push({ cache, tokenIds });
          else cache.release();
          expect(pool.bytesInUse + pool.bytesKept).toBeLessThanOrEqual(pool.byteLimit);
          for (const each of open) expect(model.isRight(each.cache, each.tokenIds)).toBe(true);
          if (close % 3 > 0 && open.length > 0) open.splice(close % open.length, 1)[0]!.cache.release();
        }
        for (const { cache } of open) cache.release();
        expect(pool.bytesInUse).toBe(0);
        // All of the memory is to be had again.
        const all = pool.open();
        expect(all.reserve(numBlocks * BLOCK_TOKENS)).toBe(true);
        expect(pool.bytesKept).toBeLessThanOrEqual(pool.byteLimit - pool.bytesInUse);
      }),
    );
    expect(shared).toBeGreaterThan(0);
  });

  it('find each other by all their tokens and their salt, and always leave one token to compute', () => {
    const model = new Model(layout, 20);
    const tokenIds = tokensOf({ branches: [true, false, true], tail: 5 });
    const first = model.pool.open({ tokenIds, cacheSalt: 'a' });
    model.compute(first, tokenIds, 500);
    const lengthOf = (ids: number[], cacheSalt: string | null): number => {
      const cache = model.pool.open({ tokenIds: ids, cacheSalt });
      const { length } = cache;
      cache.release();
      return length;
    };
    expect(lengthOf(tokenIds, 'a')).toBe(192);
    expect(lengthOf(tokenIds, 'b')).toBe(0);
    expect(lengthOf(tokenIds, null)).toBe(0);
    const withoutStates = layout.stateFloats === 0;
    expect(lengthOf(tokenIds.slice(0, 192), 'a')).toBe(withoutStates ? 128 : 0);
    expect(lengthOf(tokenIds.slice(0, 193), 'a')).toBe(192);
    expect(lengthOf(tokensOf({ branches: [true, false, false], tail: 5 }), 'a')).toBe(withoutStates ? 128 : 0);
    expect(lengthOf(tokensOf({ branches: [false, false, true], tail: 5 }), 'a')).toBe(0);
    first.release();
    expect(lengthOf(tokenIds, 'a')).toBe(192);
  });

  it.each([30, 64, 100, 500])('find all but the last block of a text of whole blocks that was computed in chunks of %i', (chunk) => {
    const model = new Model(layout, 20);
    const tokenIds = tokensOf({ branches: [true, false, true], tail: 0 });
    model.compute(model.pool.open({ tokenIds, cacheSalt: '' }), tokenIds, chunk);
    expect(model.pool.open({ tokenIds, cacheSalt: '' })).toHaveLength(128);
  });

  it('find all blocks of a prompt whose chunks were of single tokens, and then an answer', () => {
    const model = new Model(layout, 20);
    const tokenIds = tokensOf({ branches: [true, false, true], tail: 0 });
    const cache = model.pool.open({ tokenIds: tokenIds.slice(0, 100), cacheSalt: '' });
    model.compute(cache, tokenIds.slice(0, 100), 1);
    for (let end = 101; end <= 192; end++) model.compute(cache, tokenIds.slice(0, end), 1);
    expect(model.pool.open({ tokenIds: tokenIds.slice(0, 100), cacheSalt: '' })).toHaveLength(64);
  });

  it('share no more of their tokens than they are told to, of what others left and of what they leave', () => {
    const model = new Model(layout, 20);
    const tokenIds = Array.from({ length: 200 }, (_, index) => index);
    const use = (numShareable?: number): number => {
      const cache = model.pool.open({ tokenIds, cacheSalt: '', numShareable });
      const { length } = cache;
      for (let end = length + 64; end < 264; end += 64) model.compute(cache, tokenIds.slice(0, end), 64);
      cache.release();
      return length;
    };
    expect(use(150)).toBe(0);
    expect(use()).toBe(128);
    expect(use(127)).toBe(64);
    expect(use()).toBe(192);
  });

  it('go in the order in which they were last wanted, ends before beginnings', () => {
    const model = new Model(layout, 6);
    const [older, newer] = [true, false].map((branch) => tokensOf({ branches: [branch, branch], tail: 1 })) as [number[], number[]];
    for (const tokenIds of [older, newer, older]) {
      const cache = model.pool.open({ tokenIds, cacheSalt: '' });
      expect(model.compute(cache, tokenIds, 64)).toBe(true);
      cache.release();
    }
    const needy = model.pool.open();
    expect(needy.reserve(3 * BLOCK_TOKENS)).toBe(true);
    const lengthOf = (tokenIds: number[]): number => model.pool.open({ tokenIds, cacheSalt: '' }).length;
    expect(lengthOf(newer)).toBeLessThan(128);
    expect(lengthOf(older)).toBe(128);
  });
});

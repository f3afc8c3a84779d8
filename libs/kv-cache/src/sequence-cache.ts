import { type CacheMemory, CacheView } from './cache-view.js';
import type { KvCachePool } from './kv-cache-pool.js';

/** Memory is taken from the pool in steps of this many tokens. */
export const BLOCK_TOKENS = 64;

/**
 * A buffer has addresses for this many tokens at least, and twice as many each time it is outgrown, so that a long answer is seldom copied. Pages
 * are taken only once they are written: what counts is what was reserved.
 */
const MIN_CAPACITY = 1024;

const NOTHING = new SharedArrayBuffer(0);
const EMPTY: CacheMemory = { rows: NOTHING, capacity: 0, length: 0, states: NOTHING, stateVersion: 0 };

/** What one sequence keeps, and what it holds of the pool's limit. */
export class SequenceCache {
  /** As it is now; plain data for the compute threads. */
  memory: CacheMemory = EMPTY;
  private reservedTokens = 0;

  constructor(private readonly pool: KvCachePool) {}

  /** Tokens that are stored. */
  get length(): number {
    return this.memory.length;
  }

  /** Bytes this sequence holds of the pool's limit. */
  get bytes(): number {
    return this.reservedTokens === 0 ? 0 : this.pool.sequenceBytes(this.reservedTokens);
  }

  /** Makes room for `numTokens` more tokens. @returns false, with nothing changed, where the pool's limit forbids it */
  reserve(numTokens: number): boolean {
    const needed = roundUp(this.length + numTokens);
    if (needed <= this.reservedTokens) return true;
    if (!this.pool.take(this.pool.sequenceBytes(needed) - this.bytes)) return false;
    if (this.reservedTokens === 0) this.memory = { ...EMPTY, states: new SharedArrayBuffer(this.pool.layout.stateBytes) };
    this.reservedTokens = needed;
    if (needed > this.memory.capacity) this.grow(needed);
    return true;
  }

  /** Counts `numTokens` appended tokens as stored, after every layer has appended them, and the states that were made with them. */
  advance(numTokens: number): void {
    const { length, stateVersion } = this.memory;
    this.memory = { ...this.memory, length: length + numTokens, stateVersion: stateVersion === 0 ? 1 : 0 };
  }

  /** Forgets everything and gives the memory back. */
  release(): void {
    this.pool.give(this.bytes);
    this.memory = EMPTY;
    this.reservedTokens = 0;
  }

  private grow(needed: number): void {
    let capacity = Math.max(MIN_CAPACITY, this.memory.capacity);
    while (capacity < needed) capacity *= 2;
    const { layout } = this.pool;
    const grown = { ...this.memory, rows: new SharedArrayBuffer(layout.bytesFor(capacity)), capacity };
    new CacheView(layout, grown).copyRows(new CacheView(layout, this.memory));
    this.memory = grown;
  }
}

/** Tokens in whole blocks. */
export function roundUp(tokens: number): number {
  return Math.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS;
}

import { type CacheMemory, CacheView } from './cache-memory.js';
import type { KvCachePool } from './kv-cache-pool.js';

/** Memory is taken from the pool in steps of this many tokens. */
export const BLOCK_TOKENS = 64;

/**
 * A buffer has addresses for this many tokens at least, and twice as many each time it is outgrown, so that a long answer is seldom copied. Pages
 * are taken only once they are written: what counts is what was reserved.
 */
const MIN_CAPACITY = 1024;

const NOTHING = new SharedArrayBuffer(0);

/** The keys and values of one sequence, and what it holds of the pool's limit. */
export class SequenceCache implements CacheMemory {
  buffer: SharedArrayBuffer = NOTHING;
  capacity = 0;
  length = 0;
  private reservedTokens = 0;

  constructor(private readonly pool: KvCachePool) {}

  /** Bytes this sequence holds of the pool's limit. */
  get bytes(): number {
    return this.pool.bytesFor(this.reservedTokens);
  }

  /** Makes room for `numTokens` more tokens. @returns false, with nothing changed, where the pool's limit forbids it */
  reserve(numTokens: number): boolean {
    const needed = roundUp(this.length + numTokens);
    if (needed <= this.reservedTokens) return true;
    if (!this.pool.take(this.pool.bytesFor(needed - this.reservedTokens))) return false;
    this.reservedTokens = needed;
    if (needed > this.capacity) this.grow(needed);
    return true;
  }

  /** Counts `numTokens` appended tokens as stored, after every layer has appended them. */
  advance(numTokens: number): void {
    this.length += numTokens;
  }

  /** Forgets everything and gives the memory back. */
  release(): void {
    this.pool.give(this.bytes);
    this.buffer = NOTHING;
    this.capacity = 0;
    this.length = 0;
    this.reservedTokens = 0;
  }

  private grow(needed: number): void {
    let capacity = Math.max(MIN_CAPACITY, this.capacity);
    while (capacity < needed) capacity *= 2;
    const grown = { buffer: new SharedArrayBuffer(this.pool.bytesFor(capacity)), capacity, length: this.length };
    new CacheView(this.pool.shape, grown).copyFrom(new CacheView(this.pool.shape, this));
    this.buffer = grown.buffer;
    this.capacity = capacity;
  }
}

/** Tokens in whole blocks. */
export function roundUp(tokens: number): number {
  return Math.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS;
}

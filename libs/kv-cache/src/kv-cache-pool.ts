import type { CacheLayout } from './cache-layout.js';
import { BLOCK_TOKENS, roundUp, SequenceCache } from './sequence-cache.js';

/** The memory that what all sequences keep shares, with a limit that is never overrun. */
export class KvCachePool {
  private used = 0;

  constructor(
    readonly layout: CacheLayout,
    readonly byteLimit: number,
  ) {}

  get bytesInUse(): number {
    return this.used;
  }

  /** Bytes that a sequence of this length takes at least, with its states: memory comes in blocks of tokens. */
  sequenceBytes(numTokens: number): number {
    return this.layout.stateBytes + this.layout.bytesFor(roundUp(numTokens));
  }

  /** Tokens that a sequence can have when nobody else holds memory. */
  get maxSequenceTokens(): number {
    const blocks = (this.byteLimit - this.layout.stateBytes) / this.layout.bytesFor(BLOCK_TOKENS);
    return Math.max(0, Math.floor(blocks)) * BLOCK_TOKENS;
  }

  /** A cache for a new sequence; it holds no memory until it reserves some. */
  open(): SequenceCache {
    return new SequenceCache(this);
  }

  /** Takes bytes for a sequence. @returns false where they are not left */
  take(bytes: number): boolean {
    if (this.used + bytes > this.byteLimit) return false;
    this.used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.used -= bytes;
  }
}

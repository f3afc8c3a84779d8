import { cacheBytes, type KvCacheShape } from './cache-memory.js';
import { BLOCK_TOKENS, roundUp, SequenceCache } from './sequence-cache.js';

/** The memory all sequences' keys and values share, with a limit that is never overrun. */
export class KvCachePool {
  private used = 0;

  constructor(
    readonly shape: KvCacheShape,
    readonly byteLimit: number,
  ) {}

  get bytesInUse(): number {
    return this.used;
  }

  /** Bytes that `numTokens` tokens of one sequence take over all layers (float32). */
  bytesFor(numTokens: number): number {
    return cacheBytes(this.shape, numTokens);
  }

  /** Bytes that a sequence of this length takes at least: memory comes in blocks of tokens. */
  sequenceBytes(numTokens: number): number {
    return this.bytesFor(roundUp(numTokens));
  }

  /** Tokens that a sequence can have when nobody else holds memory. */
  get maxSequenceTokens(): number {
    return Math.floor(this.byteLimit / this.sequenceBytes(1)) * BLOCK_TOKENS;
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

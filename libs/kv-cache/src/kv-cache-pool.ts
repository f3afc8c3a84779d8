import { allocateBlockMemory, type BlockMemory } from './block-memory.js';
import { BLOCK_TOKENS, type CacheLayout } from './cache-layout.js';
import { PrefixCache } from './prefix-cache.js';
import { PrefixHash } from './prefix-hash.js';
import { SequenceCache } from './sequence-cache.js';

/** The tokens of a sequence that shares what it computes with others of the same salt. */
export interface SharedTokens {
  tokenIds: readonly number[];
  /** Null: it shares with nobody. */
  cacheSalt: string | null;
  /** Leading tokens that it shares at most; all unless given. */
  numShareable?: number | undefined;
}

/**
 * The memory that what all sequences keep shares, with a limit that is never overrun. What sequences leave behind is kept for those that begin with
 * the same tokens, as long as nobody needs the memory.
 */
export class KvCachePool {
  private used = 0;
  private readonly holders = new Map<number, number>(); // sequences, by block
  /** Blocks that were given back; the last of them is in a processor's cache, if any is. */
  private readonly free: number[] = [];
  /** From here on, no block was ever taken: its pages are not there yet. */
  private fresh = 0;
  private readonly prefixes: PrefixCache;

  constructor(
    readonly layout: CacheLayout,
    readonly byteLimit: number,
    readonly memory: BlockMemory = allocateBlockMemory(layout, byteLimit),
  ) {
    this.prefixes = new PrefixCache(layout.blockBytes, layout.snapshotBytes);
  }

  /** Bytes that sequences hold; what is kept for others to come is not counted. */
  get bytesInUse(): number {
    return this.used;
  }

  /** Of what sequences left behind, bytes that are kept. */
  get bytesKept(): number {
    return this.prefixes.idleBytes;
  }

  /**
   * A cache for a new sequence; it holds no memory until it reserves some. One that shares begins with as many of its tokens as are known, but not
   * with the last one, whose logits are wanted.
   */
  open({ tokenIds, cacheSalt, numShareable = Infinity }: SharedTokens = { tokenIds: [], cacheSalt: null }): SequenceCache {
    if (cacheSalt === null) return new SequenceCache(this, null);
    const cache = new SequenceCache(this, new PrefixHash(cacheSalt), numShareable);
    const names = this.longestPrefix(new PrefixHash(cacheSalt).push(tokenIds.slice(0, Math.min(tokenIds.length - 1, numShareable))));
    const { stateBytes } = this.layout;
    if (names.length === 0 || this.used + stateBytes > this.byteLimit) return cache;
    // Held before room is made for the states: it could be these that have to go.
    const blocks = names.map((name) => this.hold(this.prefixes.blockOf(name)!));
    const states = stateBytes === 0 ? null : this.prefixes.statesOf(names.at(-1)!)!;
    if (!this.take(stateBytes)) {
      this.release(blocks);
      return cache;
    }
    cache.begin(tokenIds.slice(0, blocks.length * BLOCK_TOKENS), blocks, states);
    return cache;
  }

  /** Blocks for a sequence, and bytes for what else it keeps. @returns null where they are not left */
  takeBlocks(count: number, otherBytes: number): number[] | null {
    if (!this.take(count * this.layout.blockBytes + otherBytes)) return null;
    return Array.from({ length: count }, () => {
      const block = this.free.pop() ?? this.fresh++;
      this.holders.set(block, 1);
      return block;
    });
  }

  /** A sequence does not hold these blocks any more, nor other bytes. */
  release(blocks: readonly number[], otherBytes = 0): void {
    this.used -= otherBytes;
    // The last ones are of no use without those before them: they go first.
    for (const block of blocks.toReversed()) {
      const holders = this.holders.get(block)! - 1;
      this.holders.set(block, holders);
      if (holders > 0) continue;
      this.holders.delete(block);
      this.used -= this.layout.blockBytes;
      if (!this.prefixes.rest(block)) this.free.push(block);
    }
  }

  /** What a sequence computed, for others: a full block. */
  keepBlock(name: string, block: number): void {
    this.prefixes.keepBlock(name, block);
  }

  /** The states after that block, a copy. @param instead the name of an older one that is not wanted any more */
  keepStates(name: string, states: Float32Array, instead: string | null): void {
    if (instead !== null) this.prefixes.dropStates(instead);
    this.prefixes.keepStates(name, states);
    this.makeRoom();
  }

  private longestPrefix(names: string[]): string[] {
    let count = names.findIndex((name) => this.prefixes.blockOf(name) === undefined);
    if (count < 0) count = names.length;
    if (this.layout.stateBytes > 0) while (count > 0 && !this.prefixes.hasStates(names[count - 1]!)) count--;
    return names.slice(0, count);
  }

  private hold(block: number): number {
    const holders = this.holders.get(block) ?? 0;
    this.holders.set(block, holders + 1);
    if (holders === 0) {
      this.prefixes.wake(block);
      this.used += this.layout.blockBytes;
    }
    return block;
  }

  private take(bytes: number): boolean {
    if (this.used + bytes > this.byteLimit) return false;
    this.used += bytes;
    this.makeRoom();
    return true;
  }

  private makeRoom(): void {
    while (this.used + this.prefixes.idleBytes > this.byteLimit) {
      const block = this.prefixes.evict();
      if (block !== null) this.free.push(block);
    }
  }
}

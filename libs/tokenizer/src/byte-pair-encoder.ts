import { PairQueue } from './pair-queue.js';

/** One learned merge: `left` followed by `right` becomes `merged`. */
export interface Merge {
  left: number;
  right: number;
  merged: number;
}

const MAX_CACHED_LENGTH = 64;
const MAX_CACHED_PIECES = 16_384;
const NO_PAIR = -1;

/**
 * Byte-pair encoding over bytes (Sennrich et al. 2016, arXiv:1508.07909; byte-level as in GPT-2): the pair with the lowest rank is merged
 * first, the leftmost of equals, until no pair is left that has a merge. O(n log n) in the length of a piece.
 */
export class BytePairEncoder {
  private readonly rankOf = new Map<number, number>();
  private readonly mergedOf: Int32Array; // [merges]
  private readonly cache = new Map<string, readonly number[]>();
  private readonly utf8 = new TextEncoder();

  /**
   * @param idOfByte [256] the token of each single byte
   * @param merges in order of rank
   * @param vocabSize all ids are below it
   */
  constructor(
    private readonly idOfByte: Int32Array,
    merges: readonly Merge[],
    private readonly vocabSize: number,
  ) {
    this.mergedOf = Int32Array.from(merges, ({ merged }) => merged);
    for (const [rank, { left, right }] of merges.entries()) this.rankOf.set(this.pairKey(left, right), rank);
  }

  /** Appends the token ids of a piece of well-formed text to `ids`. */
  encode(piece: string, ids: number[]): void {
    const cached = this.cache.get(piece);
    if (cached !== undefined) {
      for (const id of cached) ids.push(id);
      return;
    }
    const start = ids.length;
    this.merge(this.utf8.encode(piece), ids);
    if (piece.length <= MAX_CACHED_LENGTH) {
      if (this.cache.size === MAX_CACHED_PIECES) this.cache.clear();
      this.cache.set(piece, ids.slice(start));
    }
  }

  private merge(bytes: Uint8Array, ids: number[]): void {
    const { length } = bytes;
    // A symbol lives where its first byte was; merging takes the right one out of the linked list.
    const symbols = new Int32Array(length);
    const next = new Int32Array(length);
    const previous = new Int32Array(length);
    const pairRank = new Int32Array(length); // of the pair that begins here
    const queue = new PairQueue(2 * length);

    const setPair = (position: number): void => {
      const right = next[position]!;
      const rank = right === length ? NO_PAIR : (this.rankOf.get(this.pairKey(symbols[position]!, symbols[right]!)) ?? NO_PAIR);
      pairRank[position] = rank;
      if (rank !== NO_PAIR) queue.push(rank, position);
    };

    for (let position = 0; position < length; position++) {
      symbols[position] = this.idOfByte[bytes[position]!]!;
      next[position] = position + 1;
      previous[position] = position - 1;
    }
    for (let position = 0; position < length; position++) setPair(position);

    while (queue.pop()) {
      const { rank, position } = queue;
      if (pairRank[position] !== rank) continue; // one of the two has been merged meanwhile
      const right = next[position]!;
      const after = next[right]!;
      symbols[position] = this.mergedOf[rank]!;
      next[position] = after;
      pairRank[right] = NO_PAIR;
      if (after < length) previous[after] = position;
      setPair(position);
      if (position > 0) setPair(previous[position]!);
    }
    for (let position = 0; position < length; position = next[position]!) ids.push(symbols[position]!);
  }

  private pairKey(left: number, right: number): number {
    return left * this.vocabSize + right;
  }
}

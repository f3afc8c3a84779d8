import type { Logits } from './logits.js';
import { NUM_STEPS, RANGE_NATS, STEPS_PER_NAT } from './logits-layout.js';

/** A place in the rank order: the token of this rank (from 0) within this bucket. */
interface Position {
  bucket: number;
  rank: number;
}

/**
 * The tokens of one step in rank order (logit descending, id ascending), without sorting them: they are counted in narrow buckets by logit,
 * whose masses are known. min_p, top_k and top_p each keep a prefix of the rank order, and a draw picks a place in it, so only the one bucket
 * in which that place lies is ever gathered and sorted.
 */
export class RankedDistribution {
  private logits!: Logits;
  private temperature = 1;
  /** Tokens with a smaller logit were left out. */
  private lowest = -Infinity;
  private sorted = { bucket: -1, tokenIds: [] as number[] };
  /** The last token kept. */
  private end: Position = { bucket: 0, rank: 0 };
  /** Sum of the weights up to and with {@link end}. */
  private mass = 0;

  /**
   * Takes the logits of a step; they may not change until it is over.
   * @param temperature > 0
   * @param minWeight in [0, 1]: keeps the tokens whose weight is at least this fraction of the best one's
   */
  load(logits: Logits, temperature: number, minWeight: number): void {
    this.logits = logits;
    this.temperature = temperature;
    const maxNats = Math.min(-Math.log(minWeight), RANGE_NATS);
    // Tokens past the range have no weight, but only forbidden ones are so many that it is worth to leave them out.
    if (maxNats === RANGE_NATS && logits.areFinite) {
      this.lowest = -Infinity;
      logits.fillBuckets(temperature);
    } else {
      this.lowest = Math.fround(logits.max - maxNats * temperature);
      logits.gather(this.lowest, logits.max);
      logits.fillBucketsFromGathered(temperature);
    }
    this.keepAll();
  }

  /** Keeps the `count` ≥ 1 best tokens. */
  keepCount(count: number): void {
    this.keepUpTo(this.locate(count, this.logits.counts, () => 1));
  }

  /** Keeps the fewest best tokens that have at least this share of the kept mass. */
  keepMass(share: number): void {
    this.keepUpTo(this.locate(share * this.mass, this.logits.masses, (tokenId) => this.weight(tokenId)));
  }

  /** The kept token at which the cumulative mass, in rank order, reaches `random` × the kept mass. @param random in [0, 1) */
  draw(random: number): number {
    const { bucket, rank } = this.locate(random * this.mass, this.logits.masses, (tokenId) => this.weight(tokenId));
    return this.ranked(bucket)[rank]!;
  }

  private keepAll(): void {
    const { counts, masses } = this.logits;
    this.sorted.bucket = -1;
    this.mass = 0;
    // Not the bucket past the range: it has no mass, so its tokens are never drawn, nor need they be cut off.
    for (let bucket = 0; bucket < NUM_STEPS; bucket++) {
      if (counts[bucket]! > 0) this.end = { bucket, rank: counts[bucket]! - 1 };
      this.mass += masses[bucket]!;
    }
  }

  /** The first place in rank order at which the sum of a measure reaches `target`, or the end of what is kept. */
  private locate(target: number, bucketSums: ArrayLike<number>, measure: (tokenId: number) => number): Position {
    let sum = 0;
    let bucket = 0;
    while (bucket < this.end.bucket && sum + bucketSums[bucket]! < target) sum += bucketSums[bucket++]!;
    const tokenIds = this.ranked(bucket);
    const lastRank = bucket === this.end.bucket ? this.end.rank : tokenIds.length - 1;
    let rank = 0;
    while (rank < lastRank && (sum += measure(tokenIds[rank]!)) < target) rank++;
    return { bucket, rank };
  }

  private keepUpTo(end: Position): void {
    this.end = end;
    this.mass = 0;
    for (let bucket = 0; bucket < end.bucket; bucket++) this.mass += this.logits.masses[bucket]!;
    const tokenIds = this.ranked(end.bucket);
    for (let rank = 0; rank <= end.rank; rank++) this.mass += this.weight(tokenIds[rank]!);
  }

  /** The tokens of one bucket in rank order. */
  private ranked(bucket: number): number[] {
    if (this.sorted.bucket !== bucket) {
      const { values } = this.logits;
      const tokenIds = Array.from(this.gather(bucket)).filter((id) => this.bucketOf(id) === bucket && values[id]! >= this.lowest);
      tokenIds.sort((a, b) => values[b]! - values[a]! || a - b);
      this.sorted = { bucket, tokenIds };
    }
    return this.sorted.tokenIds;
  }

  /** The tokens of a bucket, and a few beside them, for its limits are rounded. @returns [n] */
  private gather(bucket: number): Int32Array {
    const { max } = this.logits;
    const width = this.temperature / STEPS_PER_NAT;
    const [low, high] = [max - (bucket + 1) * width, max - bucket * width];
    const rounding = 1e-6 * (Math.abs(max) + Math.abs(low)); // float32 has 24 bits
    return this.logits.gather(low - rounding, high + rounding);
  }

  private bucketOf(tokenId: number): number {
    return Math.floor(Math.min(this.nats(tokenId) * STEPS_PER_NAT, NUM_STEPS));
  }

  /** exp((logit − max) / temperature): 1 for the best token. */
  private weight(tokenId: number): number {
    return Math.exp(-this.nats(tokenId));
  }

  /** How far a token's scaled logit lies below the best one's: in float32, for so tokens came into their buckets. */
  private nats(tokenId: number): number {
    return Math.fround(Math.fround(this.logits.max - this.logits.values[tokenId]!) * Math.fround(1 / this.temperature));
  }
}

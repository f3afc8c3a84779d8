import { expNegative, NUM_STEPS, stepOf } from './exp-table.js';

/** A place in the rank order: the token of this rank (from 0) within this bucket. */
interface Position {
  bucket: number;
  rank: number;
}

/**
 * The tokens of one step in rank order (logit descending, id ascending), without sorting them: they are thrown into narrow buckets by
 * logit, whose counts and masses are known. min_p, top_k and top_p each keep a prefix of the rank order, and a draw picks a place in it, so
 * only the one bucket in which that place lies is ever sorted.
 */
export class RankedDistribution {
  private readonly buckets: Uint16Array; // [V]
  private readonly counts = new Int32Array(NUM_STEPS + 1); // [bucket]
  private readonly masses = new Float64Array(NUM_STEPS + 1); // [bucket]
  private logits: Float32Array = new Float32Array(0); // [V]
  private max = 0;
  private inverseTemperature = 1;
  private sorted = { bucket: -1, tokenIds: [] as number[] };
  /** The last token kept. */
  private end: Position = { bucket: 0, rank: 0 };
  /** Sum of the weights up to and with {@link end}. */
  private mass = 0;

  constructor(vocabSize: number) {
    this.buckets = new Uint16Array(vocabSize);
  }

  /** Takes the logits [V] of a step, all tokens kept. @param max the largest logit; @param temperature > 0 */
  load(logits: Float32Array, max: number, temperature: number): void {
    const { buckets, counts, masses } = this;
    const inverseTemperature = 1 / temperature;
    counts.fill(0);
    masses.fill(0);
    for (let tokenId = 0; tokenId < buckets.length; tokenId++) {
      const nats = (max - logits[tokenId]!) * inverseTemperature;
      const bucket = stepOf(nats);
      buckets[tokenId] = bucket;
      counts[bucket]!++;
      masses[bucket]! += expNegative(nats, bucket);
    }
    this.logits = logits;
    this.max = max;
    this.inverseTemperature = inverseTemperature;
    this.sorted.bucket = -1;
    this.end = { bucket: 0, rank: 0 };
    this.mass = 0;
    // Not the bucket past the range: it has no mass, so its tokens are never drawn, nor need they be cut off.
    for (let bucket = 0; bucket < NUM_STEPS; bucket++) {
      if (counts[bucket]! > 0) this.end = { bucket, rank: counts[bucket]! - 1 };
      this.mass += masses[bucket]!;
    }
  }

  /** Keeps the tokens whose weight is at least this fraction of the best one's. @param fraction in (0, 1] */
  keepWeight(fraction: number): void {
    const limit = -Math.log(fraction);
    const bucket = stepOf(limit);
    if (bucket === NUM_STEPS) return;
    let count = this.ranked(bucket).filter((tokenId) => this.nats(tokenId) <= limit).length;
    for (let better = 0; better < bucket; better++) count += this.counts[better]!;
    this.keepCount(count);
  }

  /** Keeps the `count` ≥ 1 best tokens. */
  keepCount(count: number): void {
    this.keepUpTo(this.locate(count, this.counts, () => 1));
  }

  /** Keeps the fewest best tokens that have at least this share of the kept mass. */
  keepMass(share: number): void {
    this.keepUpTo(this.locate(share * this.mass, this.masses, (tokenId) => this.weight(tokenId)));
  }

  /** The kept token at which the cumulative mass, in rank order, reaches `random` × the kept mass. @param random in [0, 1) */
  draw(random: number): number {
    const { bucket, rank } = this.locate(random * this.mass, this.masses, (tokenId) => this.weight(tokenId));
    return this.ranked(bucket)[rank]!;
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
    for (let bucket = 0; bucket < end.bucket; bucket++) this.mass += this.masses[bucket]!;
    const tokenIds = this.ranked(end.bucket);
    for (let rank = 0; rank <= end.rank; rank++) this.mass += this.weight(tokenIds[rank]!);
  }

  /** The tokens of one bucket in rank order. */
  private ranked(bucket: number): number[] {
    if (this.sorted.bucket !== bucket) {
      const { buckets, logits } = this;
      const tokenIds: number[] = [];
      for (let tokenId = 0; tokenId < buckets.length; tokenId++) if (buckets[tokenId] === bucket) tokenIds.push(tokenId);
      tokenIds.sort((a, b) => logits[b]! - logits[a]! || a - b);
      this.sorted = { bucket, tokenIds };
    }
    return this.sorted.tokenIds;
  }

  /** How far a token's scaled logit lies below the best one's. */
  private nats(tokenId: number): number {
    return (this.max - this.logits[tokenId]!) * this.inverseTemperature;
  }

  /** exp((logit − max) / temperature): 1 for the best token. */
  private weight(tokenId: number): number {
    const nats = this.nats(tokenId);
    return expNegative(nats, stepOf(nats));
  }
}

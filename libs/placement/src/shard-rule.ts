/**
 * The fixed rule that cuts every layer's experts into shards: shard s holds the experts e with floor(e·S/E) = s, so shards are contiguous
 * and differ by at most one expert.
 */
export class ShardRule {
  constructor(
    /** E: routed experts of a layer. */
    readonly numExperts: number,
    /** S: shards, 1 ≤ S ≤ E. */
    readonly numShards: number,
  ) {}

  /** The shard that holds `expert`. */
  shardOf(expert: number): number {
    return Math.floor((expert * this.numShards) / this.numExperts);
  }

  /** The experts of `shard`, ascending. */
  expertsOf(shard: number): number[] {
    const first = Math.ceil((shard * this.numExperts) / this.numShards);
    const end = Math.ceil(((shard + 1) * this.numExperts) / this.numShards);
    return Array.from({ length: end - first }, (_, offset) => first + offset);
  }
}

/** S where nothing else is asked for: 8, or one shard an expert where there are fewer than 8. */
export function defaultNumShards(numExperts: number): number {
  return Math.min(8, numExperts);
}

import { assignShards, ShardRule } from '@ringmesh/placement';
import type { PackManifest } from '@ringmesh/weights';

/** What one compute thread of the router has to do. The engine's own is the first of them: it would only wait otherwise. */
export interface ThreadPlan {
  /** Its number among those that share the router's work, or null where it computes experts only. */
  rank: number | null;
  /** Routed experts that it computes; none where they are on workers. */
  shards: number[];
}

/**
 * Divides the work over compute threads: the parts of the router over as many ranks, and the shards that are local over all threads. More
 * threads than cores only get in each other's way.
 * @param threads how many may be used, the engine's own among them
 * @param localShards ascending
 */
export function planThreads({ numParts }: PackManifest, threads: number, localShards: readonly number[]): ThreadPlan[] {
  const assigned = assignShards(localShards.length, Math.min(threads, localShards.length));
  const numRanks = Math.min(threads, numParts);
  return Array.from({ length: Math.max(numRanks, assigned.length) }, (_, thread) => ({
    rank: thread < numRanks ? thread : null,
    shards: (assigned[thread] ?? []).map((index) => localShards[index]!),
  }));
}

/** The rank that computes each expert, −1 where it is none of them. @returns [E] */
export function ranksOfExperts({ config, numShards }: PackManifest, plan: readonly ThreadPlan[]): Int32Array {
  const rule = new ShardRule(config.numExperts, numShards);
  return Int32Array.from({ length: config.numExperts }, (_, expert) => {
    return plan.find(({ shards }) => shards.includes(rule.shardOf(expert)))?.rank ?? -1;
  });
}

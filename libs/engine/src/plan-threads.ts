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
 * Divides the work over compute threads: the parts of the router over as many ranks, and, where the experts are local, the shards over all
 * threads. More threads than cores only get in each other's way.
 * @param threads how many may be used, the engine's own among them
 */
export function planThreads({ numParts, numShards }: PackManifest, threads: number, expertsAreLocal: boolean): ThreadPlan[] {
  const shards = expertsAreLocal ? assignShards(numShards, Math.min(threads, numShards)) : [];
  const numRanks = Math.min(threads, numParts);
  return Array.from({ length: Math.max(numRanks, shards.length) }, (_, thread) => ({
    rank: thread < numRanks ? thread : null,
    shards: shards[thread] ?? [],
  }));
}

/** The rank that computes each expert, −1 where it is none of them. @returns [E] */
export function ranksOfExperts({ config, numShards }: PackManifest, plan: readonly ThreadPlan[]): Int32Array {
  const rule = new ShardRule(config.numExperts, numShards);
  return Int32Array.from({ length: config.numExperts }, (_, expert) => {
    return plan.find(({ shards }) => shards.includes(rule.shardOf(expert)))?.rank ?? -1;
  });
}

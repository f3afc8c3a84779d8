import type { PackManifest } from '@ringmesh/weights';

/**
 * How many shards the engine's own thread computes, where the experts are local. More threads than cores only get in each other's way, so the
 * engine's thread, which would wait, takes part: it has the shared experts to compute first, and gets fewer routed ones for it, so that all
 * threads end together. Work is counted in experts of a token: k routed, and the shared ones.
 * @param threads compute threads, the engine's own among them
 */
export function numOwnShards({ config, numShards }: PackManifest, threads: number): number {
  const sharedShare = config.numSharedExperts / config.numExpertsPerToken;
  const share = (1 - (threads - 1) * sharedShare) / threads;
  return Math.max(Math.round(share * numShards), 0);
}

/** A place that hosts shards: compute threads of this process, or a worker behind gRPC. */
export interface PlacedHost {
  id: string;
  /** Ascending. */
  shards: number[];
}

/**
 * Shards of each of `numHosts` hosts: contiguous runs whose lengths differ by at most one. Hosts beyond the number of shards are replicas,
 * one shard each, in turn.
 */
export function assignShards(numShards: number, numHosts: number): number[][] {
  return Array.from({ length: numHosts }, (_, host) => {
    if (numHosts > numShards) return [host % numShards];
    const first = Math.floor((host * numShards) / numHosts);
    const end = Math.floor(((host + 1) * numShards) / numHosts);
    return Array.from({ length: end - first }, (_, offset) => first + offset);
  });
}

/** The hosts of `shard`, in the placement's order. */
export function hostsOf<Host extends PlacedHost>(hosts: Host[], shard: number): Host[] {
  return hosts.filter((host) => host.shards.includes(shard));
}

/** The shards that no host has, ascending. */
export function missingShards(hosts: PlacedHost[], numShards: number): number[] {
  const placed = new Set(hosts.flatMap((host) => host.shards));
  return Array.from({ length: numShards }, (_, shard) => shard).filter((shard) => !placed.has(shard));
}

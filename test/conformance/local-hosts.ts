import { ExpertPool } from '@ringmesh/experts';
import { expect } from 'vitest';
import type { RunningHosts, StartHostsOptions } from './expert-hosts.js';

/** Each host a pool with one thread. */
export async function startPools({ experts, assignment, shape, numSlots, clientBell }: StartHostsOptions): Promise<RunningHosts> {
  const pools = await Promise.all(
    assignment.map((shards) =>
      ExpertPool.start({
        ...experts,
        shards,
        threads: 1,
        channelShape: shape,
        numSlots,
        clientBell,
        onFailure: (error) => expect.unreachable(error.message),
      }),
    ),
  );
  return {
    hosts: pools.map((pool, index) => ({ id: `local-${index}`, ...pool.hosts[0]! })),
    stop: (index) => pools[index]!.close(),
    close: async () => {
      await Promise.all(pools.map((pool) => pool.close()));
    },
  };
}

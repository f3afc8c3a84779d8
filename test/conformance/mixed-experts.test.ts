import { describeExpertHosts, type RunningHosts, type StartHostsOptions } from './expert-hosts.js';
import { startPools } from './local-hosts.js';
import { startWorkers } from './remote-hosts.js';

/** The first host and every other one a thread of this process, the rest worker processes. */
async function startBoth({ assignment, ...options }: StartHostsOptions): Promise<RunningHosts> {
  const isLocal = (index: number): boolean => index % 2 === 0;
  const [pools, workers] = await Promise.all([
    startPools({ ...options, assignment: assignment.filter((_, index) => isLocal(index)) }),
    startWorkers({ ...options, assignment: assignment.filter((_, index) => !isLocal(index)) }),
  ]);
  const kindOf = (index: number): RunningHosts => (isLocal(index) ? pools : workers);
  return {
    hosts: assignment.map((_, index) => kindOf(index).hosts[Math.floor(index / 2)]!),
    stop: (index) => kindOf(index).stop(Math.floor(index / 2)),
    close: async () => {
      await Promise.all([pools.close(), workers.close()]);
    },
  };
}

describeExpertHosts('threads of this process and worker processes together', startBoth);

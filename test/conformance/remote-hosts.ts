import { GrpcDispatch, type RemoteWorker } from '@ringmesh/dispatch';
import { writeManifest } from '@ringmesh/weights';
import { expect } from 'vitest';
import type { RunningHosts, StartHostsOptions } from './expert-hosts.js';
import { startWorkerProcess } from './worker-process.js';

/** Each host a worker process behind gRPC. */
export async function startWorkers({ experts, assignment, shape, numSlots, clientBell }: StartHostsOptions): Promise<RunningHosts> {
  const { packDir, manifest } = experts;
  await writeManifest(packDir, manifest);
  const processes = await Promise.all(assignment.map((shards) => startWorkerProcess({ pack: packDir, shards: shards.join(',') })));
  const ready: PromiseWithResolvers<RemoteWorker[]> = Promise.withResolvers();
  const dispatch = new GrpcDispatch({
    workers: processes.map(({ address }) => address),
    expected: manifest,
    channelShape: shape,
    numSlots,
    clientBell,
    dtype: 'f32',
    timeoutMs: 10_000,
    security: {},
    onChange: (workers) => {
      if (workers.every(({ state }) => state === 'ready')) ready.resolve(workers);
    },
    onFailure: (error) => expect.unreachable(error.message),
  });
  const hosts = (await ready.promise).map(({ address, shards, channels, addsShards }) => ({ id: address, shards, channels, addsShards }));
  const stop = async (index: number): Promise<void> => {
    processes[index]!.kill('SIGKILL');
    await processes[index]!.ended;
  };
  const close = async (): Promise<void> => {
    await dispatch.close();
    await Promise.all(processes.map((_, index) => stop(index)));
  };
  return { hosts, stop, close };
}

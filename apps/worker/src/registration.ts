import { InvalidOptionError } from '@ringmesh/core';
import { RedisLeaseStore, WorkerRegistry } from '@ringmesh/coordination';
import { type Address, formatAddress, type InfoReply, isLoopback } from '@ringmesh/protocol';
import type { Logger } from '@ringmesh/telemetry';
import type { WorkerOptions } from './options.js';

/** Listening there is listening everywhere. */
const WILDCARDS = ['0.0.0.0', '::'];

/** A worker's entry in the registry where routers look for workers. */
export interface Registration {
  /** Tells routers that this worker takes no new work. */
  announceDraining(): Promise<void>;
  /** Removes the entry. */
  close(): Promise<void>;
}

/**
 * Registers a worker where a registry is configured.
 * @throws InvalidOptionError for a bad URL or address @throws CoordinationUnavailableError
 */
export async function register(
  { redisUrl, advertise }: WorkerOptions,
  address: Address,
  { workerId, assignedShards, packId, threads, device }: InfoReply,
  log: Logger,
): Promise<Registration> {
  if (redisUrl === undefined) return { announceDraining: () => Promise.resolve(), close: () => Promise.resolve() };
  checkAdvertised(advertise ?? address, log);
  const registry = new WorkerRegistry(await RedisLeaseStore.connect(redisUrl), { onWarning: (message) => log.warn(message) });
  const record = { id: workerId, address: formatAddress(advertise ?? address), shards: assignedShards, packId, threads, device };
  const lease = await registry.register({ ...record, draining: false }).catch(async (error: unknown) => {
    await registry.close();
    throw error;
  });
  return {
    announceDraining: async () => {
      await lease.update({ draining: true }).catch((error: unknown) => {
        log.warn({ error: String(error) }, 'the registry could not be told that this worker drains; routers will hear it from the worker');
      });
    },
    close: () => registry.close(),
  };
}

/** @throws InvalidOptionError for an address that means another machine to everybody who reads it */
function checkAdvertised(address: Address, log: Logger): void {
  if (WILDCARDS.includes(address.host)) {
    throw new InvalidOptionError(`--advertise: routers cannot reach ${formatAddress(address)}; give the address that they can`, {
      field: '--advertise',
    });
  }
  if (isLoopback(address.host)) log.warn({ address: formatAddress(address) }, 'only routers on this machine can reach this worker');
}

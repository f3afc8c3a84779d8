import { RedisLeaseStore, type WorkerRecord, WorkerRegistry } from '@ringmesh/coordination';
import type { EngineHandle } from '@ringmesh/engine';
import { channelCredentials, parseAddress, type TransportSecurity } from '@ringmesh/protocol';
import type { Logger } from '@ringmesh/telemetry';

/**
 * Lets the engine use the workers that register in Redis with the same pack, as they come and go.
 * @throws InvalidOptionError, CoordinationUnavailableError when Redis does not answer at the start; later the last known workers stay
 */
export async function followRegistry(
  { redisUrl, security }: { redisUrl: string; security: TransportSecurity },
  engine: EngineHandle,
  log: Logger,
): Promise<WorkerRegistry> {
  const store = await RedisLeaseStore.connect(redisUrl);
  const registry = new WorkerRegistry(store, { onWarning: (message) => log.warn(message) });
  registry.watch((workers) => {
    const usable = workers.filter((worker) => worker.packId === engine.manifest.packId && isAllowed(worker, security, log));
    engine.setWorkers([...new Set(usable.map(({ address }) => address))]);
  });
  return registry;
}

/** Anyone who can write to Redis can name an address: one that may not be connected to must not cost us the others. */
function isAllowed({ id, address }: WorkerRecord, security: TransportSecurity, log: Logger): boolean {
  try {
    channelCredentials(parseAddress(address, '--workers').host, security);
    return true;
  } catch (err) {
    log.warn({ err, worker: id, address }, 'this worker is left out');
    return false;
  }
}

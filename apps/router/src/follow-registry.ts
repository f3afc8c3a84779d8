import { RedisLeaseStore, type WorkerRecord, WorkerRegistry } from '@ringmesh/coordination';
import type { EngineHandle } from '@ringmesh/engine';
import { channelCredentials, parseAddress, type TransportSecurity } from '@ringmesh/protocol';
import type { Logger } from '@ringmesh/telemetry';
import type { PackManifest } from '@ringmesh/weights';

/** A registry may be shared with other models: of workers that are left out, /ready names so many. */
const MAX_REMARKS = 32;

/**
 * Lets the engine use the workers that register in Redis with the same pack, as they come and go; others are named where readiness is told.
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
    const usable = new Set<string>();
    const remarks: string[] = [];
    for (const worker of workers) {
      const problem = problemOf(worker, engine.manifest, security, log);
      if (problem === null) usable.add(worker.address);
      else remarks.push(`worker ${worker.address}: left out (${problem})`);
    }
    engine.setWorkers([...usable], remarks.slice(0, MAX_REMARKS));
  });
  return registry;
}

/**
 * Why a worker cannot be used, or null. Another pack is no news where several models share a registry. Anyone who can write to Redis can
 * name an address: one that may not be connected to must not cost us the others.
 */
function problemOf({ id, address, packId }: WorkerRecord, ours: PackManifest, security: TransportSecurity, log: Logger): string | null {
  if (packId !== ours.packId) {
    const both = `pack ${packId.slice(0, 12)}, this router serves ${ours.packId.slice(0, 12)} (${ours.name})`;
    return `it registered with ${both}: start both with the same pack`;
  }
  try {
    channelCredentials(parseAddress(address, '--workers').host, security);
    return null;
  } catch (err) {
    log.warn({ err, worker: id, address }, 'this worker is left out');
    return err instanceof Error ? err.message : String(err);
  }
}

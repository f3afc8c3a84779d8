import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A cache folder of the run's own: a pack that older code wrote would hide what newer code writes, and nothing is left behind. */
export default async function setup(): Promise<() => Promise<void>> {
  const cache = await mkdtemp(join(tmpdir(), 'ringmesh-test-cache-'));
  process.env['RINGMESH_CACHE'] = cache;
  // The same modules are loaded by hundreds of processes: V8 compiles them once.
  process.env['NODE_COMPILE_CACHE'] = join(cache, 'compiled');
  // Vitest's own processes may still be writing to it as they end.
  return () => rm(cache, { recursive: true, force: true, maxRetries: 10 });
}

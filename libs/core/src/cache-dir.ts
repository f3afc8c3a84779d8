import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where pulled checkpoints and packs are kept: `RINGMESH_CACHE`, or `ringmesh` in the user's cache folder. */
export function defaultCacheDir(environment: NodeJS.ProcessEnv = process.env): string {
  return environment['RINGMESH_CACHE'] ?? join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ringmesh');
}

import { homedir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { InvalidOptionError } from './errors.js';

/** Where pulled checkpoints and packs are kept: `RINGMESH_CACHE`, or `ringmesh` in the user's cache folder. An empty variable is none. */
export function defaultCacheDir(environment: NodeJS.ProcessEnv = process.env): string {
  const { RINGMESH_CACHE: own = '', XDG_CACHE_HOME: users = '' } = environment;
  if (own !== '') return own;
  return join(users === '' ? join(homedir(), '.cache') : users, 'ringmesh');
}

/**
 * What a file system's error about the cache means to a user; any other error as it is.
 * @returns InvalidOptionError where the cache cannot be made, read or written
 */
export function explainCacheError(error: unknown, cacheDir: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error) || !('path' in error) || typeof error.path !== 'string') return error;
  // mkdir names the folder above that it could not make.
  const isAbove = error.syscall === 'mkdir' && isInside(error.path, cacheDir);
  if (!isAbove && !isInside(cacheDir, error.path)) return error;
  return new InvalidOptionError(
    `RINGMESH_CACHE: the cache folder ${cacheDir} cannot be used (${error.message}); set RINGMESH_CACHE to a folder that you can write to`,
    { field: 'RINGMESH_CACHE', cause: error },
  );
}

function isInside(dir: string, path: string): boolean {
  const from = relative(dir, path);
  return from === '' || (!from.startsWith('..') && !isAbsolute(from));
}

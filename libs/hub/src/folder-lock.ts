import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidOptionError, lockFile, PullInProgressError } from '@ringmesh/core';

const LOCK_FILE = '.ringmesh-pull.lock';

/**
 * Makes a folder, and this the only process that writes to it.
 * @returns releases the lock
 * @throws PullInProgressError where another process holds it; InvalidOptionError where the folder cannot be written
 */
export async function lockFolder(dir: string): Promise<() => void> {
  const release = await makeAndLock(dir).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidOptionError(`${dir} cannot be written (${reason}); give another folder with --to or RINGMESH_CACHE`, {
      field: '--to',
      cause,
    });
  });
  if (release === null) throw new PullInProgressError(`another process is pulling into ${dir}; wait until it has finished`, { field: dir });
  return release;
}

async function makeAndLock(dir: string): Promise<(() => void) | null> {
  await mkdir(dir, { recursive: true });
  return lockFile(join(dir, LOCK_FILE));
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { InvalidOptionError, PullInProgressError } from '@ringmesh/core';

const LOCK_FILE = '.ringmesh-pull.lock';
/** https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/**
 * Makes a folder, and this the only process that writes to it. Node has no file locks of its own, but SQLite takes the operating system's: they end
 * with the process however it ends, so none is ever stale.
 * @returns releases the lock
 * @throws PullInProgressError where another one holds it; InvalidOptionError where the folder cannot be written
 */
export async function lockFolder(dir: string): Promise<() => void> {
  let database: DatabaseSync | undefined;
  try {
    await mkdir(dir, { recursive: true });
    const opened = new DatabaseSync(join(dir, LOCK_FILE), { timeout: 0 });
    database = opened;
    opened.exec('BEGIN EXCLUSIVE');
    return () => opened.close();
  } catch (cause) {
    database?.close();
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY) {
      throw new PullInProgressError(`another process is pulling into ${dir}; wait until it has finished`, { cause });
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidOptionError(`${dir} cannot be written (${reason}); give another folder with --to or RINGMESH_CACHE`, {
      field: '--to',
      cause,
    });
  }
}

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PullInProgressError } from '@ringmesh/core';

const LOCK_FILE = '.ringmesh-pull.lock';
/** https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/**
 * Makes this the only process that writes to a folder. Node has no file locks of its own, but SQLite takes the operating system's: they end with
 * the process however it ends, so none is ever stale.
 * @returns releases the lock
 * @throws PullInProgressError where another one holds it
 */
export function lockFolder(dir: string): () => void {
  const database = new DatabaseSync(join(dir, LOCK_FILE), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!(error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY)) throw error;
    throw new PullInProgressError(`another process is pulling into ${dir}; wait until it has finished`, { cause: error });
  }
  return () => database.close();
}

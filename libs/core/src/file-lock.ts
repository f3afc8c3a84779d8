import { DatabaseSync } from 'node:sqlite';

/** https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/** Locks of this process. A database that nobody refers to is closed with the next garbage, and its lock would end there. */
const held = new Set<DatabaseSync>();

/**
 * Takes a lock that one process at a time can hold. Node has no file locks of its own, but SQLite takes the operating system's: they end with
 * the process however it ends, so none is ever stale.
 * @param path the lock's file, which is made where it is missing and stays
 * @returns releases the lock; null where somebody else holds it
 */
export function lockFile(path: string): (() => void) | null {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    held.add(database);
    return () => {
      held.delete(database);
      database.close();
    };
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return null;
    throw error;
  }
}

import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 2 ** 22;

/**
 * Reads a file that is mapped into memory from its start to its end, so that the system has it at hand: whoever looks up a few bytes here and there
 * would wait for the disk each time. Blocks the thread.
 */
export function readAhead(path: string): void {
  const file = openSync(path, 'r');
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    while (readSync(file, chunk) > 0);
  } finally {
    closeSync(file);
  }
}

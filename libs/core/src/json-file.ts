import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ErrorClass } from './json-fields.js';

/** What to throw when the file is not there, and when it is not JSON. */
export interface JsonFileErrors {
  Missing: ErrorClass;
  Invalid: ErrorClass;
}

/** Reads and parses a JSON file of at most `maxBytes`. */
export async function readJsonFile(path: string, maxBytes: number, errors: JsonFileErrors): Promise<unknown> {
  const field = basename(path);
  const bytes = await readLimitedFile(path, maxBytes, errors);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new errors.Invalid(`${path} is not valid JSON (${reason(cause)}); fetch it again`, { field, cause });
  }
}

/** Reads a whole file of at most `maxBytes`. */
export async function readLimitedFile(path: string, maxBytes: number, errors: JsonFileErrors): Promise<Uint8Array> {
  const field = basename(path);
  const { size, isFile } = await stat(path).then(
    (stats) => ({ size: stats.size, isFile: stats.isFile() }),
    (cause: unknown) => {
      throw new errors.Missing(`${path} cannot be read (${reason(cause)})`, { field, cause });
    },
  );
  if (!isFile) throw new errors.Missing(`${path} is not a file`, { field });
  if (size > maxBytes) throw new errors.Invalid(`${path} has ${size} bytes; at most ${maxBytes} are accepted`, { field });
  return readFile(path).catch((cause: unknown) => {
    throw new errors.Missing(`${path} cannot be read (${reason(cause)})`, { field, cause });
  });
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

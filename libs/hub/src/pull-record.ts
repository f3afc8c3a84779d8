import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointCorruptError, JsonFields, readJsonFile } from '@ringmesh/core';
import { type Checksum, checksumOf } from './checksum.js';
import { type HubFile, MAX_FILE_BYTES, MAX_FILES, readPath } from './hub-file.js';

const FILE = '.ringmesh-pull.json';
const MAX_BYTES = 16 * 2 ** 20;
const ERRORS = { Missing: CheckpointCorruptError, Invalid: CheckpointCorruptError };

/** What a folder is to hold. A file that it names and that is there was compared with its checksum before it got its name. */
export interface PullRecord {
  source: string;
  model: string;
  revision: string;
  /** All files are there. */
  complete: boolean;
  files: HubFile[];
}

/** @returns null where nothing was pulled into the folder @throws CheckpointCorruptError where the record is damaged */
export async function readRecord(dir: string): Promise<PullRecord | null> {
  const path = join(dir, FILE);
  if ((await sizeOf(path)) === null) return null;
  try {
    return parseRecord(JsonFields.of(await readJsonFile(path, MAX_BYTES, ERRORS), { file: FILE, ErrorClass: CheckpointCorruptError }));
  } catch (cause) {
    if (!(cause instanceof CheckpointCorruptError)) throw cause;
    throw new CheckpointCorruptError(`${path} is damaged (${cause.message}); delete it and pull again`, { field: FILE, cause });
  }
}

function parseRecord(fields: JsonFields): PullRecord {
  return {
    source: fields.string('source', 64),
    model: fields.string('model', 256),
    revision: fields.string('revision', 256),
    complete: fields.boolean('complete'),
    files: fields.list('files', MAX_FILES).map((entry) => ({
      path: readPath(entry, 'path'),
      size: entry.integer('size', 0, MAX_FILE_BYTES),
      checksum: entry.optional('checksum', (key) => readChecksum(entry.object(key))) ?? null,
    })),
  };
}

function readChecksum(fields: JsonFields): Checksum {
  const checksum = checksumOf(fields.oneOf('algorithm', ['sha256', 'git-blob']), fields.value('hex'));
  return checksum ?? fields.fail('hex', 'must be hexadecimal digits');
}

/** Replaces the record as a whole. */
export async function writeRecord(dir: string, record: PullRecord): Promise<void> {
  const path = join(dir, FILE);
  const file = await open(`${path}.tmp`, 'w');
  try {
    await file.writeFile(`${JSON.stringify(record, null, 2)}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
}

/** Whether the folder holds a whole model that was pulled; says nothing about whether the hub has a newer one. */
export async function isPulled(dir: string): Promise<boolean> {
  const record = await readRecord(dir);
  if (record?.complete !== true) return false;
  const sizes = await Promise.all(record.files.map(({ path }) => sizeOf(join(dir, path))));
  return record.files.every(({ size }, index) => sizes[index] === size);
}

/** @returns null where there is no such file */
export async function sizeOf(path: string): Promise<number | null> {
  const stats = await stat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  return stats?.size ?? null;
}

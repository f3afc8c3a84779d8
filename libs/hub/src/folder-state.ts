import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startHash } from './checksum.js';
import type { HubFile } from './hub-file.js';
import { type PullRecord, sizeOf } from './pull-record.js';

const CHUNK_BYTES = 2 ** 20;

/**
 * Compares a folder with what it is to hold, and removes what an earlier pull put there that the hub has no longer, so that weights of two
 * revisions never lie side by side. Files that no pull wrote are hashed, and stay if they are right.
 * @returns the files to load
 */
export async function findMissing(dir: string, record: PullRecord | null, files: readonly HubFile[]): Promise<HubFile[]> {
  const listed = new Set(files.map(identity));
  const recorded = new Set(record?.files.map(identity));
  for (const file of record?.files ?? []) {
    if (!listed.has(identity(file))) await removeFile(join(dir, file.path));
  }
  const missing: HubFile[] = [];
  for (const file of files) {
    const path = join(dir, file.path);
    const isThere = (await sizeOf(path)) === file.size;
    if (isThere && (recorded.has(identity(file)) || (await matches(path, file)))) continue;
    await rm(path, { force: true });
    missing.push(file);
  }
  return missing;
}

/** Bytes of `files` that earlier attempts left in `.partial` files. */
export async function partialBytes(dir: string, files: readonly HubFile[]): Promise<number> {
  const sizes = await Promise.all(files.map(({ path }) => sizeOf(join(dir, `${path}.partial`))));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

function identity({ path, size, checksum }: HubFile): string {
  return JSON.stringify([path, size, checksum?.hex]);
}

async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.partial`, { force: true });
}

async function matches(path: string, { size, checksum }: HubFile): Promise<boolean> {
  if (checksum === null) return false;
  const hash = startHash(checksum.algorithm, size);
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) hash.update(chunk as Uint8Array);
  return hash.digest('hex') === checksum.hex;
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PackInvalidError } from '@ringmesh/core';
import type { PackFile, PackManifest } from './manifest.js';

export interface VerifyPackOptions {
  /** Which files to check, by their path inside the pack: those that this process will open. All where nothing is said. */
  includes?: (path: string) => boolean;
  /** false: compare sizes only, which takes no time. */
  hashes?: boolean;
  /** Called after each file. */
  onProgress?: (progress: { path: string; doneBytes: number; totalBytes: number }) => void;
}

/** Hashes are taken in pieces of this size. */
const CHUNK_BYTES = 2 ** 20;

/**
 * Compares the files of a pack with its manifest: first all sizes, then the SHA-256 of each unless told otherwise.
 * @throws PackInvalidError naming the file that is missing, cut short or changed
 */
export async function verifyPack(
  dir: string,
  manifest: PackManifest,
  { includes, hashes = true, onProgress }: VerifyPackOptions = {},
): Promise<void> {
  const files = manifest.files.filter(({ path }) => includes?.(path) ?? true);
  for (const file of files) await verifySize(dir, file);
  if (!hashes) return;
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let doneBytes = 0;
  for (const file of files) {
    const sha256 = await sha256Of(join(dir, file.path));
    if (sha256 !== file.sha256) throw invalid(dir, file, `has SHA-256 ${sha256}, expected ${file.sha256}: its bytes changed`);
    doneBytes += file.bytes;
    onProgress?.({ path: file.path, doneBytes, totalBytes });
  }
}

/** The SHA-256 of a file as hexadecimal digits, read in pieces. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

async function verifySize(dir: string, file: PackFile): Promise<void> {
  const stats = await stat(join(dir, file.path)).catch((cause: unknown) => {
    throw invalid(dir, file, 'is missing or cannot be read', cause);
  });
  if (!stats.isFile()) throw invalid(dir, file, 'is not a file');
  if (stats.size !== file.bytes) throw invalid(dir, file, `has ${stats.size} bytes, expected ${file.bytes}`);
}

function invalid(dir: string, { path }: PackFile, problem: string, cause?: unknown): PackInvalidError {
  return new PackInvalidError(`${join(dir, path)} ${problem}; pack the checkpoint again`, { field: path, cause });
}

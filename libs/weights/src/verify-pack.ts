import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { defaultCacheDir, PackInvalidError } from '@ringmesh/core';
import type { PackFile, PackManifest } from './manifest.js';
import { VerifiedMark } from './verified-mark.js';

export interface VerifyPackOptions {
  /** Which files to check, by their path inside the pack: those that this process will open. All where nothing is said. */
  includes?: (path: string) => boolean;
  /** true: hash even what this machine has verified before. */
  again?: boolean;
  /** Where the machine remembers what it has verified. */
  cacheDir?: string;
  /** Called before files are hashed, if any are. */
  onStart?: (totalBytes: number) => void;
  /** Called after each file that was hashed. */
  onProgress?: (progress: { path: string; doneBytes: number; totalBytes: number }) => void;
}

/** Hashes are taken in pieces of this size. */
const CHUNK_BYTES = 2 ** 20;

/**
 * Compares the files of a pack with its manifest: first all sizes, then the SHA-256 of each file, folder by folder. A folder that this machine
 * has verified is not read again until one of its files changes, so that only the first start takes the time.
 * @throws PackInvalidError naming the file that is missing, cut short or changed
 */
export async function verifyPack(
  dir: string,
  manifest: PackManifest,
  { includes, again = false, cacheDir = defaultCacheDir(), onStart, onProgress }: VerifyPackOptions = {},
): Promise<void> {
  const files = manifest.files.filter(({ path }) => includes?.(path) ?? true);
  for (const file of files) await verifySize(dir, file);

  const unverified: { mark: VerifiedMark; files: PackFile[] }[] = [];
  for (const inFolder of byFolder(files)) {
    const mark = await VerifiedMark.of(cacheDir, dir, inFolder);
    if (again || !mark.exists()) unverified.push({ mark, files: inFolder });
  }
  const totalBytes = unverified.flatMap((folder) => folder.files).reduce((sum, { bytes }) => sum + bytes, 0);
  if (unverified.length > 0) onStart?.(totalBytes);
  let doneBytes = 0;
  for (const folder of unverified) {
    for (const file of folder.files) {
      await verifyHash(dir, file);
      doneBytes += file.bytes;
      onProgress?.({ path: file.path, doneBytes, totalBytes });
    }
    await folder.mark.set();
  }
}

/** Remembers that the files of a pack, just written, are as its manifest says. */
export async function markVerified(dir: string, { files }: PackManifest, cacheDir = defaultCacheDir()): Promise<void> {
  for (const inFolder of byFolder(files)) await (await VerifiedMark.of(cacheDir, dir, inFolder)).set();
}

/** The SHA-256 of a file as hexadecimal digits, read in pieces. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

function byFolder(files: readonly PackFile[]): Iterable<PackFile[]> {
  return Map.groupBy(files, ({ path }) => dirname(path)).values();
}

async function verifySize(dir: string, file: PackFile): Promise<void> {
  const stats = await stat(join(dir, file.path)).catch((cause: unknown) => {
    throw invalid(dir, file, 'is missing or cannot be read', cause);
  });
  if (!stats.isFile()) throw invalid(dir, file, 'is not a file');
  if (stats.size !== file.bytes) throw invalid(dir, file, `has ${stats.size} bytes, expected ${file.bytes}`);
}

async function verifyHash(dir: string, file: PackFile): Promise<void> {
  const sha256 = await sha256Of(join(dir, file.path)).catch((cause: unknown) => {
    throw invalid(dir, file, 'cannot be read', cause);
  });
  if (sha256 !== file.sha256) throw invalid(dir, file, `has SHA-256 ${sha256}, expected ${file.sha256}: its bytes changed`);
}

function invalid(dir: string, { path }: PackFile, problem: string, cause?: unknown): PackInvalidError {
  return new PackInvalidError(`${join(dir, path)} ${problem}; pack the checkpoint again`, { field: path, cause });
}

import { createHash } from 'node:crypto';
import { access, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { CheckpointMissingError, defaultCacheDir } from '@ringmesh/core';
import { PackLayout } from '@ringmesh/weights';
import { packCheckpoint, type PackOptions } from './pack.js';

/** Changes when packs written by older code must not be reused. */
const CACHE_VERSION = 1;

/**
 * Packs a checkpoint into the cache folder unless that was done before. The folder's name carries a hash of what the pack depends on: the
 * checkpoint's files (name, size, time of change) and the options.
 * @returns the pack's folder; a folder that is a pack already is returned as it is
 */
export async function ensurePack(options: Omit<PackOptions, 'packDir'>, cacheDir = defaultCacheDir()): Promise<string> {
  if (await exists(new PackLayout(options.checkpointDir).manifest)) return options.checkpointDir;
  const key = await checkpointKey(options);
  const packDir = join(cacheDir, 'packs', `${basename(resolve(options.checkpointDir))}-${options.quantization.method}-${key}`);
  if (await exists(new PackLayout(packDir).manifest)) return packDir;
  await packCheckpoint({ ...options, packDir });
  return packDir;
}

async function checkpointKey({ checkpointDir, quantization, numShards }: Omit<PackOptions, 'packDir'>): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([CACHE_VERSION, quantization, numShards ?? null]));
  for (const name of (await listFolder(checkpointDir)).sort()) {
    const { size, mtimeMs } = await stat(join(checkpointDir, name));
    hash.update(JSON.stringify([name, size, mtimeMs]));
  }
  return hash.digest('hex').slice(0, 12);
}

async function listFolder(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (cause) {
    throw new CheckpointMissingError(`--model ${dir}: there is no such folder; give a checkpoint's, a pack's, or a model's name at a hub`, {
      field: '--model',
      cause,
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

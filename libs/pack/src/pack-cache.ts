import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CheckpointMissingError, defaultCacheDir, PackInProgressError } from '@ringmesh/core';
import { PackLayout } from '@ringmesh/weights';
import { folderIdentity } from './checkpoint-source.js';
import { PACK_WRITER_VERSION, type PackOptions, writePack } from './pack.js';

export interface CachedPackOptions extends Omit<PackOptions, 'source' | 'packDir'> {
  /** A Hugging Face checkpoint folder, or a pack. */
  checkpointDir: string;
}

/** How often to look whether another process has finished the pack. */
const POLL_MS = 250;

/**
 * Packs a checkpoint into the cache folder unless that was done before. The folder's name carries a hash of what the pack depends on: the
 * checkpoint's files (name, size, time of change) and the options. Waits where another process is packing the same.
 * @returns the pack's folder; a folder that is a pack already is returned as it is
 */
export async function ensurePack({ checkpointDir, ...options }: CachedPackOptions, cacheDir = defaultCacheDir()): Promise<string> {
  if (await exists(new PackLayout(checkpointDir).manifest)) return checkpointDir;
  const key = await checkpointKey(checkpointDir, options);
  const packDir = join(cacheDir, 'packs', `${basename(resolve(checkpointDir))}-${options.quantization.method}-${key}`);
  const isPacked = (): Promise<boolean> => exists(new PackLayout(packDir).manifest);
  while (!(await isPacked())) {
    try {
      await writePack({ ...options, source: { type: 'checkpoint', dir: checkpointDir }, packDir });
    } catch (error) {
      if (!(error instanceof PackInProgressError) && !(await isPacked())) throw error;
      await delay(POLL_MS);
    }
  }
  return packDir;
}

async function checkpointKey(
  checkpointDir: string,
  { quantization, numShards }: Pick<PackOptions, 'quantization' | 'numShards'>,
): Promise<string> {
  const files = await folderIdentity(checkpointDir).catch((cause: unknown) => {
    throw new CheckpointMissingError(
      `--model ${checkpointDir}: there is no such folder; give a checkpoint's, a pack's, or a model's name at a hub`,
      { field: '--model', cause },
    );
  });
  const inputs = JSON.stringify([PACK_WRITER_VERSION, quantization, numShards ?? null, files]);
  return createHash('sha256').update(inputs).digest('hex').slice(0, 12);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

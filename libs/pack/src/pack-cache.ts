import { createHash } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CheckpointMissingError, defaultCacheDir, explainCacheError, PackInProgressError, type PackInvalidError } from '@ringmesh/core';
import { folderIdentity } from './checkpoint-source.js';
import { isPack, removeDamaged } from './damaged-pack.js';
import { PACK_WRITER_VERSION, type PackOptions, writePack } from './pack.js';

export interface CachedPackOptions extends Omit<PackOptions, 'source' | 'packDir'> {
  /** A Hugging Face checkpoint folder, or a pack. */
  checkpointDir: string;
  /** Hash a pack of the cache again, though this machine has verified it before. */
  verify?: boolean;
  /** While a pack of the cache is hashed. */
  onVerify?: ((progress: { doneBytes: number; totalBytes: number }) => void) | undefined;
  /** Told why a pack of the cache is thrown away, before it is made again. */
  onDamaged?: ((error: PackInvalidError) => void) | undefined;
}

/** How often to look whether another process has finished the pack. */
const POLL_MS = 250;

/**
 * Packs a checkpoint into the cache folder unless that was done before. The folder's name carries a hash of what the pack depends on: the
 * checkpoint's files (name, size, time of change) and the options. Waits where another process is packing the same. A pack that was damaged
 * since is made again.
 * @returns the pack's folder; a folder that is a pack already is returned as it is
 * @throws InvalidOptionError where the cache folder cannot be used, and as {@link writePack}
 */
export async function ensurePack({ checkpointDir, ...options }: CachedPackOptions, cacheDir = defaultCacheDir()): Promise<string> {
  if (await isPack(checkpointDir)) return checkpointDir;
  const key = await checkpointKey(checkpointDir, options);
  const packDir = join(cacheDir, 'packs', `${basename(resolve(checkpointDir))}-${options.quantization.method}-${key}`);
  try {
    for (;;) {
      if ((await isPack(packDir)) && !(await removeDamaged(packDir, { ...options, cacheDir }))) return packDir;
      if (await packOrWait({ ...options, source: { type: 'checkpoint', dir: checkpointDir }, packDir })) return packDir;
    }
  } catch (error) {
    throw explainCacheError(error, cacheDir);
  }
}

/** Packs, or waits a little where another process does. @returns whether it was packed here */
async function packOrWait(options: PackOptions): Promise<boolean> {
  try {
    await writePack(options);
    return true;
  } catch (error) {
    if (!(error instanceof PackInProgressError) && !(await isPack(options.packDir))) throw error;
    await delay(POLL_MS);
    return false;
  }
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

import { access, rm } from 'node:fs/promises';
import { lockFile, PackInvalidError } from '@ringmesh/core';
import { PackLayout, readManifest, verifyPack } from '@ringmesh/weights';

export interface VerifyOptions {
  cacheDir: string;
  /** Hash all files, also those that this machine has verified before. */
  verify?: boolean;
  onVerify?: ((progress: { doneBytes: number; totalBytes: number }) => void) | undefined;
  onDamaged?: ((error: PackInvalidError) => void) | undefined;
}

/** Whether a folder is a pack, be it damaged or not. */
export async function isPack(dir: string): Promise<boolean> {
  return access(new PackLayout(dir).manifest).then(
    () => true,
    () => false,
  );
}

/**
 * Verifies a pack of the cache, and removes it where it is damaged. Processes that serve it keep what they have mapped.
 * @returns whether it is gone
 */
export async function removeDamaged(packDir: string, options: VerifyOptions): Promise<boolean> {
  if ((await damageOf(packDir, options)) === null) return false;
  const unlock = lockFile(`${packDir}.lock`);
  if (unlock === null) return true; // another process is about to remove it
  try {
    // Another process may have removed it, or made it again, since. Who has the lock alone removes.
    if (!(await isPack(packDir))) return true;
    const damage = await damageOf(packDir, options);
    if (damage === null) return false;
    options.onDamaged?.(damage);
    await rm(packDir, { recursive: true, force: true });
    return true;
  } finally {
    unlock();
  }
}

async function damageOf(packDir: string, { cacheDir, verify = false, onVerify }: VerifyOptions): Promise<PackInvalidError | null> {
  try {
    await verifyPack(packDir, await readManifest(packDir), {
      cacheDir,
      again: verify,
      ...(onVerify === undefined ? {} : { onProgress: onVerify }),
    });
    return null;
  } catch (error) {
    if (error instanceof PackInvalidError) return error;
    throw error;
  }
}

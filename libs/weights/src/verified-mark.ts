import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PackFile } from './manifest.js';

/** What says that a folder cannot be written, or not be made. */
const READ_ONLY_CODES = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOENT'];

/**
 * A note that files of a pack had the right hashes when this machine read them: an empty file, whose name is a hash of their inodes and times
 * of change too. Whoever writes to one of them, replaces it or copies the pack makes the note worthless.
 */
export class VerifiedMark {
  private constructor(private readonly path: string) {}

  /** The mark of files as they are now, which exist. */
  static async of(cacheDir: string, packDir: string, files: readonly PackFile[]): Promise<VerifiedMark> {
    const hash = createHash('sha256');
    for (const { path, sha256 } of files) {
      const { dev, ino, size, ctimeNs } = await stat(join(packDir, path), { bigint: true });
      hash.update([path, sha256, dev, ino, size, ctimeNs].join(' '));
    }
    return new VerifiedMark(join(cacheDir, 'verified', hash.digest('hex')));
  }

  exists(): boolean {
    return existsSync(this.path);
  }

  /** Does nothing where the cache cannot be written: the files are verified again next time. */
  async set(): Promise<void> {
    try {
      await mkdir(dirname(this.path), { recursive: true });
      await writeFile(this.path, '');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (!READ_ONLY_CODES.includes(String(code))) throw error;
    }
  }
}

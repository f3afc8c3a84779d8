import { statfs } from 'node:fs/promises';
import { DiskFullError, formatBytes, isDiskFull } from '@ringmesh/core';

/** @throws DiskFullError where fewer than `needed` bytes are free */
export async function checkFreeSpace(dir: string, needed: number): Promise<void> {
  const free = await freeBytes(dir);
  if (free < needed) {
    throw new DiskFullError(
      `${dir} needs ${formatBytes(needed)}, but only ${formatBytes(free)} are free; make room or take another folder`,
    );
  }
}

/** An error of the disk as what it means; any other as it is. @param needed bytes that are still to be written */
export async function explainDiskFull(error: unknown, dir: string, needed: number): Promise<unknown> {
  if (!isDiskFull(error)) return error;
  const free = formatBytes(await freeBytes(dir));
  return new DiskFullError(
    `the disk or the quota of ${dir} is full: ${formatBytes(needed)} are still to be written, ${free} are free; what was loaded stays, make room and pull again`,
    { cause: error },
  );
}

async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

import { readText } from './text-file.js';

/** @returns the files that a process maps, each once, in the kernel's spelling; null where there is no such process, or not on this system */
export async function readMappedFiles(pid: number): Promise<string[] | null> {
  const maps = await readText(`/proc/${pid}/maps`);
  return maps === null ? null : parseMappedFiles(maps);
}

/** Reads /proc/PID/maps: address, permissions, offset, device, inode and, where a file is mapped, its path, which may have spaces. */
export function parseMappedFiles(maps: string): string[] {
  const paths = Array.from(maps.matchAll(/^\S+ \S+ \S+ \S+ \S+ +(\/.*)$/gm), (match) => match[1]!);
  return [...new Set(paths)];
}

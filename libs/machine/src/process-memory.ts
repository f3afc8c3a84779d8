import { readText } from './text-file.js';

/** Memory of one process, in bytes. */
export interface ProcessMemory {
  /** All its pages that are in memory, those that it shares with others counted in full. */
  rss: number;
  /** The same with each shared page divided by the number of its users: what adds up over processes. Null where the kernel does not say. */
  pss: number | null;
  /** Pages that only this process has. Null where the kernel does not say. */
  private: number | null;
  /** Pages that others have too. Null where the kernel does not say. */
  shared: number | null;
}

/** @returns null where there is no such process, or not on this system */
export async function readProcessMemory(pid: number): Promise<ProcessMemory | null> {
  // Of a process that others own, and on kernels before 4.14, there is no roll-up.
  const rollup = parseSmapsRollup((await readText(`/proc/${pid}/smaps_rollup`)) ?? '');
  if (rollup !== null) return rollup;
  const rss = kilobytes((await readText(`/proc/${pid}/status`)) ?? '', 'VmRSS');
  return rss === null ? null : { rss, pss: null, private: null, shared: null };
}

/** Reads /proc/PID/smaps_rollup. @returns null where fields are missing */
export function parseSmapsRollup(text: string): ProcessMemory | null {
  const [rss, pss] = [kilobytes(text, 'Rss'), kilobytes(text, 'Pss')];
  const sum = (kind: string): number => (kilobytes(text, `${kind}_Clean`) ?? 0) + (kilobytes(text, `${kind}_Dirty`) ?? 0);
  return rss === null || pss === null ? null : { rss, pss, private: sum('Private'), shared: sum('Shared') };
}

function kilobytes(text: string, field: string): number | null {
  const value = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
  return value === undefined ? null : Number(value) * 1024;
}

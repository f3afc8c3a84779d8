import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory of a process and of all that it started, in bytes: what is only mapped and may be dropped at any time does not count. */
export function residentBytesOfTree(pid: number): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(Number(name)));
  }
  const isBelow = (child: number): boolean => child === pid || (parents.has(child) && isBelow(parents.get(child)!));
  return [...parents.keys()].filter(isBelow).reduce((sum, each) => sum + residentBytes(each), 0);
}

/** 0 where a process has just ended. */
function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(statusOf(pid))?.[1] ?? 0);
}

/** Memory that threads share counts as well: keys and values are in it. */
function residentBytes(pid: number): number {
  const status = statusOf(pid);
  const kilobytes = ['RssAnon', 'RssShmem'].map((field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0));
  return kilobytes.reduce((sum, each) => sum + each, 0) * 1024;
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

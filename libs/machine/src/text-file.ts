import { readFile } from 'node:fs/promises';

/** Reads a file of the kernel's, or says null where this system has none or shows it to nobody. Tests give one of their own. */
export type ReadText = (path: string) => Promise<string | null>;

export const readText: ReadText = (path) => readFile(path, 'utf8').catch(() => null);

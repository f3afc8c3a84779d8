/** When programs get huge pages: for all memory, where they ask for them (as our processes do), or never. */
export type HugePages = 'always' | 'madvise' | 'never';

/** Reads /sys/kernel/mm/transparent_hugepage/enabled, `always [madvise] never`. @returns null for anything else */
export function parseHugePages(text: string): HugePages | null {
  return (/\[(always|madvise|never)\]/.exec(text)?.[1] as HugePages | undefined) ?? null;
}

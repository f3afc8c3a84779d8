import type { Machine } from './machine.js';

/** The C library's first version that asks for huge pages by itself when told to (glibc.malloc.hugetlb). */
const HUGE_PAGES_GLIBC = [2, 35] as const;

/** What of a machine costs speed or memory, and what to do about it: a sentence each, none where all is well. */
export function machineHints({ processor, cores, limits, memory, hugePages, glibc }: Machine): string[] {
  const hints: string[] = [];
  const has = (name: string): boolean | undefined => processor.instructionSets.find((set) => set.name === name)?.isPresent;
  if (has('AVX2') === false) hints.push('no AVX2: matrix products take a multiple of the time; use a processor of 2013 or later');
  if (has('AVX2') === true && has('AVX512-VNNI') === false && has('AVX-VNNI') === false) {
    hints.push('no VNNI instructions: quantized experts (q4, q8) compute at about half the speed that they reach with them');
  }
  if (has('NEON') === true && has('DotProd') === false) hints.push('no dot product instructions: quantized experts compute slowly');
  if (hugePages === 'never') {
    const path = '/sys/kernel/mm/transparent_hugepage/enabled';
    hints.push(`transparent huge pages are off, which slows down reading weights: as root, echo madvise > ${path}`);
  }
  if (glibc === null) hints.push('the C library is not glibc: our memory settings have no effect, expect more memory and less speed');
  else if (isBefore(glibc, HUGE_PAGES_GLIBC)) hints.push(`glibc ${glibc} cannot ask for huge pages: 2.35 or later does`);
  if (limits.cores !== null && limits.cores < cores) {
    const threads = Math.max(1, Math.floor(limits.cores));
    hints.push(
      `a control group allows ${limits.cores} of ${cores} cores: serve with --threads ${threads}, or threads wait for one another`,
    );
  }
  if (limits.memoryBytes !== null && limits.memoryBytes < memory.totalBytes) {
    hints.push('a control group allows less memory than the machine has: size --kv-cache-memory by that limit');
  }
  return hints;
}

function isBefore(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

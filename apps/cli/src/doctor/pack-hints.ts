import { formatBytes } from '@ringmesh/core';
import type { PackReport } from './doctor-report.js';

/** What all processes together may take, in packs: more is a defect of ours or memory for keys and values. */
const USUAL_MEMORY = 1.25;
/** Below this, what is not weights decides: code, buffers and libraries are some 100 MB a process. */
const LARGE_PACK_BYTES = 2e9;
/** Weights that the caches of ordinary processors hold. */
const CACHED_BYTES = 64e6;

/** Remarks on what was measured of a pack, a sentence each. */
export function packHints({ bytes, processes, together, speed }: Omit<PackReport, 'hints'>): string[] {
  const hints: string[] = [];
  for (const { name, mapped } of processes) {
    const [first] = mapped?.foreign ?? [];
    if (first !== undefined) hints.push(`the ${name} maps ${first}, which is none of its files: please report this`);
  }
  if (bytes > LARGE_PACK_BYTES && together.memoryBytes !== null && together.memoryBytes > USUAL_MEMORY * bytes) {
    hints.push(`more than ${USUAL_MEMORY} × the pack: memory for keys and values is in it, which --kv-cache-memory limits`);
  }
  if (speed.bytesPerToken < CACHED_BYTES) {
    const small = formatBytes(speed.bytesPerToken);
    hints.push(`${small} a token fit into a processor's caches: not memory limits such a small model, but the steps between threads`);
  }
  return hints;
}

/** What is known before the processes start, and may keep them from it. */
export function memoryHint(packBytes: number, availableBytes: number): string[] {
  if (packBytes <= availableBytes) return [];
  return [`the pack has ${formatBytes(packBytes)}, more than the ${formatBytes(availableBytes)} that are available: expect it to fail`];
}

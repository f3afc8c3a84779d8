import { createHash } from 'node:crypto';
import type { PackManifest } from './manifest.js';

/**
 * The identity of a pack: SHA-256 over all that decides what router and workers compute. The name it is served under and its sampling
 * defaults do not count. The order of keys and files does not matter.
 */
export function packIdOf({ formatVersion, config, quantization, numShards, numParts, files }: Omit<PackManifest, 'packId'>): string {
  const inOrder = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const canonical = JSON.stringify({ formatVersion, config, quantization, numShards, numParts, files: inOrder }, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(canonical).digest('hex');
}

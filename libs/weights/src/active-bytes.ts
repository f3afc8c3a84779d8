import type { PackManifest } from './manifest.js';

/** Bytes of weights that one token alone reads: all but the embedding, of which it reads a row, and of the routed experts those it is sent to. */
export function activeWeightBytes({ config, files }: Pick<PackManifest, 'config' | 'files'>): number {
  const routed = config.numExpertsPerToken / config.numExperts;
  const ofFiles = files.map(({ path, bytes }) => {
    if (!path.endsWith('.bin') || path.endsWith('embedding.bin')) return 0;
    return path.startsWith('shards/') ? bytes * routed : bytes;
  });
  return ofFiles.reduce((sum, bytes) => sum + bytes, 0);
}

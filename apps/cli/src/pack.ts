import { parseChoice, parseInteger } from '@ringmesh/core';
import { packCheckpoint, type PackProgress } from '@ringmesh/pack';
import type { Quantization } from '@ringmesh/tensor';
import { ProgressLine } from './progress.js';

/** Weights that share a scale: 128 is fastest (shared/ENGINE.md C1). */
const BLOCK_SIZE = 128;

export interface PackCommandOptions {
  quantize: string;
  shards?: string | undefined;
}

/** `ringmesh pack CHECKPOINT PACK` */
export async function pack(checkpointDir: string, packDir: string, options: PackCommandOptions): Promise<void> {
  const manifest = await packCheckpoint({ checkpointDir, packDir, onProgress: packProgress(), ...packOptions(options) });
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  console.log(
    `packed ${manifest.name} into ${packDir}: ${manifest.numShards} shards, ${(bytes / 2 ** 20).toFixed(1)} MiB, id ${manifest.packId}`,
  );
}

/** What `pack` and `serve` both take. */
export function packOptions({ quantize, shards }: PackCommandOptions): { quantization: Quantization; numShards?: number } {
  const method = parseChoice('--quantize', quantize, ['f32', 'q8', 'q4']) ?? 'f32';
  const numShards = parseInteger('--shards', shards, 1, 1024);
  return {
    quantization: method === 'f32' ? { method } : { method, blockSize: BLOCK_SIZE },
    ...(numShards === undefined ? {} : { numShards }),
  };
}

/** Shows what is being written. */
export function packProgress(): (progress: PackProgress) => void {
  const line = new ProgressLine();
  return ({ step, done, total }) => line.update(`packing ${done}/${total}: ${step}`, done === total);
}

import { formatBytes, InvalidOptionError, parseChoice, parseInteger } from '@ringmesh/core';
import { type ModelSource, type PackProgress, readShape, writePack } from '@ringmesh/pack';
import type { Quantization } from '@ringmesh/tensor';
import { PackProgressText } from './pack-progress.js';
import { ProgressLine } from './progress.js';

/** What `pack` and `serve` both take. */
export interface PackCommandOptions {
  quantize?: string | undefined;
  blockSize?: string | undefined;
  shards?: string | undefined;
}

/** What only `pack` takes. */
export interface PackSourceOptions {
  synthetic?: string | undefined;
  layers?: string | undefined;
  seed?: string | undefined;
  threads?: string | undefined;
}

/** Weights that share a scale unless told otherwise: 128 is fastest (docs/engine-notes.md, Weights). */
const BLOCK_SIZE = 128;

/** `ringmesh pack CHECKPOINT PACK`, or `ringmesh pack --synthetic SHAPE PACK` */
export async function pack(folders: string[], { threads, ...options }: PackCommandOptions & PackSourceOptions): Promise<void> {
  const { source, packDir } = await sourceAndTarget(folders, options);
  const numThreads = parseInteger('--threads', threads, 1, 256);
  const manifest = await writePack({ source, packDir, threads: numThreads, onProgress: packProgress(), ...packOptions(options) });
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  console.log(
    `packed ${manifest.name} into ${packDir}: ${manifest.numShards} shards, ${(bytes / 2 ** 20).toFixed(1)} MiB, id ${manifest.packId}`,
  );
}

/** How to pack. @throws InvalidOptionError */
export function packOptions({ quantize, blockSize, shards }: PackCommandOptions): { quantization: Quantization; numShards?: number } {
  const numShards = parseInteger('--shards', shards, 1, 1024);
  return { quantization: parseQuantization(quantize, blockSize), ...(numShards === undefined ? {} : { numShards }) };
}

/** Shows what is being written. */
export function packProgress(): (progress: PackProgress) => void {
  const line = new ProgressLine();
  const text = new PackProgressText();
  return (progress) => line.update(text.of(progress), progress.doneWeights === progress.totalWeights);
}

/** Shows how far a pack is verified. */
export function verifyProgress(): (progress: { doneBytes: number; totalBytes: number }) => void {
  const line = new ProgressLine();
  return ({ doneBytes, totalBytes }) => {
    const share = Math.floor((100 * doneBytes) / totalBytes);
    line.update(`verifying ${formatBytes(totalBytes)} of packed weights, once on this machine: ${share} %`, doneBytes === totalBytes);
  };
}

function parseQuantization(quantize: string | undefined, blockSize: string | undefined): Quantization {
  const method = parseChoice('--quantize', quantize, ['f32', 'f16', 'q8', 'q4']) ?? 'f32';
  const size = Number(parseChoice('--block-size', blockSize, ['32', '128']) ?? BLOCK_SIZE);
  if (method === 'q8' || method === 'q4') return { method, blockSize: size };
  if (blockSize === undefined) return { method };
  throw new InvalidOptionError(`--block-size: ${method} has no blocks; give it with --quantize q8 or q4`, { field: '--block-size' });
}

async function sourceAndTarget(
  folders: string[],
  { synthetic, layers, seed }: PackSourceOptions,
): Promise<{ source: ModelSource; packDir: string }> {
  const [first, second, ...more] = folders;
  if (synthetic === undefined) {
    if (first === undefined || second === undefined || more.length > 0) {
      throw new InvalidOptionError('pack: give two folders, the checkpoint and the pack to write', { field: 'pack' });
    }
    if (layers !== undefined || seed !== undefined) {
      throw new InvalidOptionError('--layers and --seed go with --synthetic only', { field: '--synthetic' });
    }
    return { source: { type: 'checkpoint', dir: first }, packDir: second };
  }
  if (first === undefined || second !== undefined) {
    throw new InvalidOptionError('--synthetic: give one folder, the pack to write', { field: 'pack' });
  }
  const shape = await readShape(synthetic, parseInteger('--layers', layers, 1, 1024));
  return { source: { type: 'synthetic', ...shape, seed: parseInteger('--seed', seed, 0, 2 ** 31) ?? 0 }, packDir: first };
}

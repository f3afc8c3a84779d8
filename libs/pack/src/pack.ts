import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { CheckpointCorruptError, ConfigInvalidError, InvalidOptionError } from '@ringmesh/core';
import { defaultNumParts } from '@ringmesh/model';
import { defaultNumShards, ShardRule } from '@ringmesh/placement';
import type { Quantization } from '@ringmesh/tensor';
import { markVerified, type PackFile, PackLayout, type PackManifest, packIdOf, writeManifest } from '@ringmesh/weights';
import { type ModelSource, type OpenModelSource, openSource } from './model-source.js';
import { writeUnits } from './pack-threads.js';
import { PackWorkspace } from './pack-workspace.js';
import { type PackUnit, unitsOf } from './units.js';

export interface PackOptions {
  source: ModelSource;
  /** Must not exist yet; appears whole or not at all. */
  packDir: string;
  quantization: Quantization;
  /** Shards to cut every layer's experts into, 1…E; 8 where nothing is said, fewer where there are fewer experts. */
  numShards?: number | undefined;
  /** Packing threads; as many as there are cores, 8 at most, where nothing is said. Each takes up to about 200 MB. */
  threads?: number | undefined;
  onProgress?: ((progress: PackProgress) => void) | undefined;
}

export interface PackProgress {
  /** What was just written: `layer 3, shard 2`; what an interrupted run had written comes as one step. */
  step: string;
  /** Weights of the model that are packed, and all of them. */
  doneWeights: number;
  totalWeights: number;
  /** Written by this run. */
  writtenWeights: number;
  writtenBytes: number;
}

/** Changes when the same inputs give other bytes than in older versions. */
export const PACK_WRITER_VERSION = 3;

const MAX_DEFAULT_THREADS = 8;

/**
 * Turns a model into a pack: ONNX graphs a layer and shard with their weights in mapped files. Matrices are streamed, so memory stays bounded
 * whatever the model's size. After a kill, the same call goes on where the last one stopped, and the pack has the same bytes.
 * @throws InvalidOptionError where the pack is there already @throws PackInProgressError where another process is making it
 * @throws CheckpointMissingError, CheckpointCorruptError, CheckpointMismatchError, ConfigInvalidError, ConfigUnsupportedError
 */
export async function writePack(options: PackOptions): Promise<PackManifest> {
  const model = await openSource(options.source);
  try {
    return await packModel(model, options);
  } finally {
    await model.close();
  }
}

async function packModel(model: OpenModelSource, { packDir, quantization, ...options }: PackOptions): Promise<PackManifest> {
  const { name, config, generationDefaults } = model;
  const numShards = chooseNumShards(options.numShards, config.numExperts);
  const inputs = { version: PACK_WRITER_VERSION, source: await model.identity(), quantization, numShards };
  const workspace = await PackWorkspace.open(packDir, inputs);
  try {
    const files = await writeFiles(workspace, unitsOf(config, new ShardRule(config.numExperts, numShards)), numShards, {
      ...options,
      packDir,
      quantization,
    });
    const numParts = defaultNumParts(config);
    const manifest = { formatVersion: 2 as const, name, config, generationDefaults, quantization, numShards, numParts, files };
    const complete: PackManifest = { ...manifest, packId: packIdOf(manifest) };
    await writeManifest(workspace.packDir, complete);
    await workspace.publish();
    await markVerified(packDir, complete);
    return complete;
  } catch (error) {
    // What is wrong with the inputs stays wrong: there is nothing to go on with.
    const isFinal = [CheckpointCorruptError, ConfigInvalidError, InvalidOptionError].some((kind) => error instanceof kind);
    if (isFinal) await workspace.discard();
    throw error;
  } finally {
    workspace.close();
  }
}

/** Writes what an earlier run has not. @returns all files, in order of path */
async function writeFiles(workspace: PackWorkspace, units: PackUnit[], numShards: number, options: PackOptions): Promise<PackFile[]> {
  const { source, quantization, threads, onProgress } = options;
  await makeFolders(new PackLayout(workspace.packDir), numShards);
  const sum = (of: PackUnit[]): number => of.reduce((weights, { numWeights }) => weights + numWeights, 0);
  const files: PackFile[] = [];
  const remaining: PackUnit[] = [];
  for (const unit of units) {
    const finished = workspace.finishedFiles(unit);
    if (finished === null) remaining.push(unit);
    else files.push(...finished);
  }
  const progress = { doneWeights: sum(units) - sum(remaining), totalWeights: sum(units), writtenWeights: 0, writtenBytes: 0 };
  if (remaining.length < units.length) onProgress?.({ ...progress, step: 'what was packed before' });

  const numThreads = threads ?? Math.min(availableParallelism(), MAX_DEFAULT_THREADS);
  await writeUnits(remaining, numThreads, { source, packDir: workspace.packDir, quantization, numShards }, (unit, written) => {
    workspace.finish(unit, written);
    files.push(...written);
    progress.doneWeights += unit.numWeights;
    progress.writtenWeights += unit.numWeights;
    progress.writtenBytes += written.reduce((bytes, file) => bytes + file.bytes, 0);
    onProgress?.({ ...progress, step: unit.label });
  });
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function makeFolders(layout: PackLayout, numShards: number): Promise<void> {
  for (const dir of [layout.router, layout.tokenizer]) await mkdir(dir, { recursive: true });
  for (let shard = 0; shard < numShards; shard++) await mkdir(layout.shard(shard), { recursive: true });
}

function chooseNumShards(asked: number | undefined, numExperts: number): number {
  const numShards = asked ?? defaultNumShards(numExperts);
  if (Number.isInteger(numShards) && numShards >= 1 && numShards <= numExperts) return numShards;
  throw new InvalidOptionError(`--shards must be a whole number from 1 to ${numExperts} (the model's experts), not ${numShards}`, {
    field: '--shards',
  });
}

import { access, copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { InvalidOptionError } from '@ringmesh/core';
import { defaultNumShards, ShardRule } from '@ringmesh/placement';
import type { Quantization } from '@ringmesh/tensor';
import {
  Checkpoint,
  type PackFile,
  PackLayout,
  type PackManifest,
  packIdOf,
  readGenerationDefaults,
  readModelConfig,
  sha256Of,
  validateCheckpoint,
  writeManifest,
} from '@ringmesh/weights';
import { CheckpointWeights } from './checkpoint-weights.js';
import { type RouterParts, writeEmbeddingAndHead, writeRotary, writeRouterLayer } from './write-router.js';
import { writeShardLayer } from './write-shard.js';

export interface PackOptions {
  /** A Hugging Face checkpoint folder. */
  checkpointDir: string;
  /** Must not exist yet; appears whole or not at all. */
  packDir: string;
  quantization: Quantization;
  /** Shards to cut every layer's experts into, 1…E; 8 where nothing is said, fewer where there are fewer experts. */
  numShards?: number;
  onProgress?: (progress: PackProgress) => void;
}

export interface PackProgress {
  /** What was just written: `layer 3`. */
  step: string;
  done: number;
  total: number;
}

/** Files of a checkpoint that the router needs beside the weights. */
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'chat_template.jinja'];

/**
 * Turns a checkpoint into a pack: ONNX graphs a layer and shard with their weights in mapped files. Matrices are streamed, so memory stays
 * bounded whatever the model's size.
 * @throws CheckpointMissingError, CheckpointCorruptError, CheckpointMismatchError, ConfigInvalidError, ConfigUnsupportedError
 */
export async function packCheckpoint(options: PackOptions): Promise<PackManifest> {
  await checkIsFree(options.packDir);
  const config = await readModelConfig(options.checkpointDir);
  const generationDefaults = await readGenerationDefaults(options.checkpointDir);
  const numShards = options.numShards ?? defaultNumShards(config.numExperts);
  if (!Number.isInteger(numShards) || numShards < 1 || numShards > config.numExperts) {
    throw new InvalidOptionError(`--shards must be a whole number from 1 to ${config.numExperts} (the model's experts), not ${numShards}`, {
      field: '--shards',
    });
  }
  const checkpoint = await Checkpoint.open(options.checkpointDir);
  const partial = `${options.packDir}.partial-${process.pid}`;
  try {
    validateCheckpoint(config, checkpoint);
    await rm(partial, { recursive: true, force: true });
    const layout = new PackLayout(partial);
    await copyTokenizer(options.checkpointDir, layout);
    const weights = new CheckpointWeights(checkpoint);
    await writeWeights({ layout, config, weights, quantization: options.quantization }, numShards, options.onProgress);
    const manifest = {
      formatVersion: 1 as const,
      name: basename(resolve(options.checkpointDir)),
      config,
      generationDefaults,
      quantization: options.quantization,
      numShards,
      files: await hashFiles(partial),
    };
    const complete: PackManifest = { ...manifest, packId: packIdOf(manifest) };
    await writeManifest(partial, complete);
    await mkdir(dirname(resolve(options.packDir)), { recursive: true });
    await rename(partial, options.packDir);
    return complete;
  } finally {
    await rm(partial, { recursive: true, force: true });
    await checkpoint.close();
  }
}

/** A pack is never written over something. */
async function checkIsFree(packDir: string): Promise<void> {
  const taken = await access(packDir).then(
    () => true,
    () => false,
  );
  if (taken)
    throw new InvalidOptionError(`${packDir} is there already: give a folder that does not exist, or remove it`, { field: 'pack' });
}

async function writeWeights(parts: RouterParts, numShards: number, onProgress: PackOptions['onProgress']): Promise<void> {
  const { layout, config } = parts;
  const rule = new ShardRule(config.numExperts, numShards);
  const total = 1 + config.numLayers;
  await mkdir(layout.router, { recursive: true });
  for (let shard = 0; shard < numShards; shard++) await mkdir(layout.shard(shard), { recursive: true });

  await writeEmbeddingAndHead(parts);
  const rotary = await writeRotary(parts);
  onProgress?.({ step: 'embedding and head', done: 1, total });
  for (let layer = 0; layer < config.numLayers; layer++) {
    await writeRouterLayer(parts, layer, rotary);
    if (layer >= config.firstKDenseReplace) {
      for (let shard = 0; shard < numShards; shard++) await writeShardLayer(parts, rule, shard, layer);
    }
    onProgress?.({ step: `layer ${layer}`, done: 2 + layer, total });
  }
}

async function copyTokenizer(checkpointDir: string, layout: PackLayout): Promise<void> {
  await mkdir(layout.tokenizer, { recursive: true });
  const present = new Set(await readdir(checkpointDir));
  for (const name of TOKENIZER_FILES.filter((file) => present.has(file)))
    await copyFile(join(checkpointDir, name), join(layout.tokenizer, name));
}

async function hashFiles(root: string): Promise<PackFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
  const files: PackFile[] = [];
  for (const path of paths.sort()) {
    files.push({ path, bytes: (await stat(join(root, path))).size, sha256: await sha256Of(join(root, path)) });
  }
  return files;
}

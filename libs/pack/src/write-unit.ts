import { open, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DiskFullError, isDiskFull } from '@ringmesh/core';
import { ShardRule } from '@ringmesh/placement';
import type { Quantization } from '@ringmesh/tensor';
import { type PackFile, PackLayout, sha256Of } from '@ringmesh/weights';
import type { OpenModelSource } from './model-source.js';
import { UnitWriter } from './unit-writer.js';
import type { UnitPart } from './units.js';
import { writeEmbedding, writeHead, writeRouterLayer } from './write-router.js';
import { writeShardLayer } from './write-shard.js';

export interface WriteUnitOptions {
  /** Its folders exist. */
  packDir: string;
  quantization: Quantization;
  numShards: number;
}

/**
 * Writes the files of one part of a pack. When this resolves they are on disk, whatever happens to the machine.
 * @throws DiskFullError, CheckpointCorruptError
 */
export async function writeUnit(model: OpenModelSource, options: WriteUnitOptions, part: UnitPart): Promise<PackFile[]> {
  const { packDir, quantization, numShards } = options;
  const writer = new UnitWriter(new PackLayout(packDir), model.config, model.weights, quantization);
  try {
    await writePart(writer, model, part, numShards);
    return await finishFiles(writer.paths, packDir);
  } catch (cause) {
    if (!isDiskFull(cause)) throw cause;
    throw new DiskFullError(`the disk or the quota of ${packDir} is full; what was packed stays: make room and pack again`, { cause });
  }
}

async function writePart(writer: UnitWriter, model: OpenModelSource, part: UnitPart, numShards: number): Promise<void> {
  const { layout } = writer;
  switch (part.type) {
    case 'tokenizer':
      await model.writeTokenizer(layout.tokenizer);
      writer.paths.push(...(await readdir(layout.tokenizer)).map((name) => join(layout.tokenizer, name)));
      break;
    case 'embedding':
      await writeEmbedding(writer);
      break;
    case 'head':
      await writeHead(writer);
      break;
    case 'layer':
      await writeRouterLayer(writer, part.layer);
      break;
    case 'experts':
      await writeShardLayer(writer, new ShardRule(model.config.numExperts, numShards), part.shard, part.layer);
  }
}

async function finishFiles(paths: string[], packDir: string): Promise<PackFile[]> {
  // All at once, for then the file system commits them together.
  const sizes = await Promise.all(paths.map(flush));
  const files: PackFile[] = [];
  for (const [index, path] of paths.entries()) {
    files.push({ path: relative(packDir, path), bytes: sizes[index]!, sha256: await sha256Of(path) });
  }
  return files;
}

/** Waits until a file's bytes are on disk. @returns its size */
async function flush(path: string): Promise<number> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

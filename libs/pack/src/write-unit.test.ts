import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskFullError } from '@ringmesh/core';
import { PackLayout, sha256Of } from '@ringmesh/weights';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readShape } from './synthetic/shapes.js';
import { SyntheticSource } from './synthetic/synthetic-source.js';
import { writeUnit } from './write-unit.js';

let packDir: string;
let model: SyntheticSource;

beforeEach(async () => {
  packDir = await mkdtemp(join(tmpdir(), 'ringmesh-unit-'));
  await mkdir(new PackLayout(packDir).router);
  const { name, config } = await readShape('ring-lite', 1);
  model = new SyntheticSource({ name, config: { ...config, vocabSize: 300, maxPositionEmbeddings: 64, eosTokenIds: [1] }, seed: 0 });
});

afterEach(() => rm(packDir, { recursive: true }));

const options = () => ({ packDir, quantization: { method: 'q4' as const, blockSize: 32 }, numShards: 8 });

it('tells the size and hash of what it wrote', async () => {
  const files = await writeUnit(model, options(), { type: 'head' });
  expect(files.map(({ path }) => path).sort()).toEqual(['router/head-0.onnx', 'router/head-1.onnx', 'router/head.bin']);
  for (const { path, sha256 } of files) expect(await sha256Of(join(packDir, path))).toBe(sha256);
  // For each half of the vocabulary: the norm, codes of 4 bits, and a float32 scale for each 32 weights, each from a new page on.
  const pages = (bytes: number): number => Math.ceil(bytes / 4096) * 4096;
  const weights = 2048 * 150;
  const half = 8192 + pages(weights / 2);
  const scales = (weights / 32) * 4;
  expect(files.find(({ path }) => path.endsWith('.bin'))?.bytes).toBe(2 * half + pages(scales) + scales);
});

it('says that the disk is full', async () => {
  await symlink('/dev/full', join(packDir, 'router', 'head.bin'));
  await expect(writeUnit(model, options(), { type: 'head' })).rejects.toThrow(DiskFullError);
});

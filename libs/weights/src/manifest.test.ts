import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PackInvalidError } from '@ringmesh/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readModelConfig } from './config.js';
import { parseManifest, readManifest, writeManifest } from './manifest-file.js';
import type { PackManifest } from './manifest.js';
import { packIdOf } from './pack-id.js';
import { markVerified, verifyPack, type VerifyPackOptions } from './verify-pack.js';

type Progress = Parameters<NonNullable<VerifyPackOptions['onProgress']>>[0];

const goldens = join(import.meta.dirname, '../../../test/fixtures/goldens');
const FILES = { 'router/embedding.onnx': 'embedding', 'router/embedding.bin': 'weights', 'shards/00/layer-000.bin': 'experts' };

let dir: string;
let manifest: PackManifest;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ringmesh-pack-'));
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  const unnamed = {
    formatVersion: 2 as const,
    name: 'ring-tiny-yarn',
    config: await readModelConfig(join(goldens, 'ring-tiny-yarn')),
    generationDefaults: { temperature: 0.6, topK: 20, eosTokenIds: [493] },
    quantization: { method: 'q4' as const, blockSize: 32 },
    numShards: 8,
    numParts: 1,
    files: Object.entries(FILES).map(([path, text]) => ({
      path,
      bytes: text.length,
      sha256: createHash('sha256').update(text).digest('hex'),
    })),
  };
  manifest = { ...unnamed, packId: packIdOf(unnamed) };
});
afterEach(() => rm(dir, { recursive: true }));

describe('a manifest', () => {
  it('is read as it was written', async () => {
    await writeManifest(dir, manifest);
    expect(await readManifest(dir)).toEqual(manifest);
    expect((await readdir(dir)).sort()).toEqual(['manifest.json', 'router', 'shards']);
  });

  it('is read for every golden, whatever its config', async () => {
    for (const golden of ['ring-tiny', 'ring-tiny-distill', 'ring-tiny-switches']) {
      const other = {
        ...manifest,
        config: await readModelConfig(join(goldens, golden)),
        numShards: 1,
        quantization: { method: 'f32' as const },
      };
      const named = { ...other, packId: packIdOf(other) };
      expect(parseManifest(JSON.parse(JSON.stringify(named)))).toEqual(named);
    }
  });

  it('that is missing means that the folder is no pack', async () => {
    await expect(readManifest(dir)).rejects.toThrow(PackInvalidError);
  });

  it.each<[string, (manifest: PackManifest) => object, string]>([
    ['another format version', (m) => ({ ...m, formatVersion: 1 }), 'formatVersion'],
    ['a changed config', (m) => ({ ...m, config: { ...m.config, rmsNormEps: 1e-5 } }), 'packId'],
    ['a malformed config', (m) => ({ ...m, config: { ...m.config, hiddenSize: 'wide' } }), 'config.hiddenSize'],
    ['a contradictory config', (m) => ({ ...m, config: { ...m.config, numExpertsPerToken: 9 } }), 'config.numExpertsPerToken'],
    [
      'a malformed rope scaling',
      (m) => ({ ...m, config: { ...m.config, ropeScaling: { type: 'yarn', factor: 4 } } }),
      'config.ropeScaling.originalMaxPositionEmbeddings',
    ],
    ['no config', (m) => ({ ...m, config: null }), 'config'],
    ['an unknown quantization', (m) => ({ ...m, quantization: { method: 'q2' } }), 'quantization.method'],
    ['an odd block size', (m) => ({ ...m, quantization: { method: 'q4', blockSize: 48 } }), 'quantization.blockSize'],
    ['more shards than experts', (m) => ({ ...m, numShards: 9 }), 'numShards'],
    ['no name', (m) => ({ ...m, name: '' }), 'name'],
    ['sampling defaults out of range', (m) => ({ ...m, generationDefaults: { topP: 2 } }), 'generationDefaults.topP'],
    ['no list of files', (m) => ({ ...m, files: {} }), 'files'],
    ['a file outside of the pack', (m) => ({ ...m, files: [{ ...m.files[0], path: '../secret' }] }), 'files[0].path'],
    ['an absolute path', (m) => ({ ...m, files: [{ ...m.files[0], path: '/etc/passwd' }] }), 'files[0].path'],
    ['a file twice', (m) => ({ ...m, files: [m.files[0], m.files[0]] }), 'files[1].path'],
    ['no hash', (m) => ({ ...m, files: [{ ...m.files[0], sha256: 'x'.repeat(64) }] }), 'files[0].sha256'],
  ])('with %s is rejected', (_, change, field) => {
    let error: unknown;
    try {
      parseManifest(change(manifest));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(PackInvalidError);
    expect((error as PackInvalidError).field).toBe(`manifest.json: ${field}`);
  });
});

describe('packIdOf', () => {
  it('does not depend on the order of keys and files, nor on name and sampling defaults', () => {
    const config = Object.fromEntries(Object.entries(manifest.config).reverse()) as unknown as PackManifest['config'];
    expect(packIdOf({ ...manifest, config, files: manifest.files.toReversed(), name: 'other', generationDefaults: {} })).toBe(
      manifest.packId,
    );
  });

  it('depends on everything that decides what is computed', () => {
    const others = [
      { ...manifest, numShards: 4 },
      { ...manifest, quantization: { method: 'q8' as const, blockSize: 32 } },
      { ...manifest, config: { ...manifest.config, ropeScaling: null } },
      { ...manifest, files: manifest.files.slice(1) },
      { ...manifest, files: manifest.files.map((file) => ({ ...file, sha256: '0'.repeat(64) })) },
    ];
    expect(new Set([manifest.packId, ...others.map(packIdOf)]).size).toBe(others.length + 1);
  });
});

describe('verifyPack', () => {
  const last = 'shards/00/layer-000.bin';
  let cacheDir: string;

  beforeEach(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), 'ringmesh-cache-'));
  });
  afterEach(() => rm(cacheDir, { recursive: true }));

  /** @returns the files that were hashed */
  async function verify(options: VerifyPackOptions = {}): Promise<string[]> {
    const hashed: string[] = [];
    const onProgress = ({ path, doneBytes, totalBytes }: Progress) => hashed.push(`${path} ${doneBytes}/${totalBytes}`);
    await verifyPack(dir, manifest, { cacheDir, onProgress, ...options });
    return hashed;
  }

  const all = ['router/embedding.onnx 9/23', 'router/embedding.bin 16/23', `${last} 23/23`];

  it('hashes what was written and reports progress', async () => {
    expect(await verify()).toEqual(all);
  });

  it('remembers what it has verified, until a file changes', async () => {
    await verify();
    expect(await verify()).toEqual([]);
    expect(await verify({ again: true })).toEqual(all);
    await writeFile(join(dir, last), 'experts');
    expect(await verify()).toEqual([`${last} 7/7`]);
    await rename(join(dir, last), join(dir, 'old'));
    await copyFile(join(dir, 'old'), join(dir, last));
    expect(await verify()).toEqual([`${last} 7/7`]);
    expect(await verify()).toEqual([]);
  });

  it('needs not read what was just written', async () => {
    await markVerified(dir, manifest, cacheDir);
    expect(await verify()).toEqual([]);
  });

  it('names the file of a flipped byte, every time', async () => {
    await verify();
    await writeFile(join(dir, last), 'expertt');
    await expect(verify()).rejects.toThrow(/shards\/00\/layer-000\.bin has SHA-256 .* its bytes changed/);
    await expect(verify()).rejects.toThrow(PackInvalidError);
  });

  it('names a file that is cut short or missing, also where hashes were verified', async () => {
    await verify();
    await truncate(join(dir, 'router/embedding.bin'), 3);
    await expect(verify()).rejects.toThrow(/embedding\.bin has 3 bytes, expected 7/);
    await unlink(join(dir, 'router/embedding.bin'));
    await expect(verify()).rejects.toThrow(PackInvalidError);
    await symlink(join(dir, 'router'), join(dir, 'router/embedding.bin'));
    await expect(verify()).rejects.toThrow(/is not a file/);
  });

  it('checks only what is asked for', async () => {
    await unlink(join(dir, 'router/embedding.bin'));
    expect(await verify({ includes: (path) => path.startsWith('shards/00/') })).toEqual([`${last} 7/7`]);
  });
});

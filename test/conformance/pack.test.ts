import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointCorruptError, InvalidOptionError, lockFile, PackInProgressError } from '@ringmesh/core';
import { ensurePack, writePack } from '@ringmesh/pack';
import { SAMPLE_MODEL } from '@ringmesh/testing';
import { readManifest, verifyPack } from '@ringmesh/weights';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const QUANTIZATION = { method: 'q8' as const, blockSize: 128 };
const source = { type: 'checkpoint' as const, dir: SAMPLE_MODEL };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringmesh-pack-'));
});

afterEach(() => rm(folder, { recursive: true }));

describe('writePack', () => {
  it('gives the same pack on any number of threads, and the manifest that is read back', async () => {
    const one = await writePack({ source, packDir: join(folder, 'one'), quantization: QUANTIZATION, threads: 1 });
    const three = await writePack({ source, packDir: join(folder, 'three'), quantization: QUANTIZATION, threads: 3 });
    expect(three).toEqual(one);
    expect(await readManifest(join(folder, 'three'))).toEqual(one);
    await verifyPack(join(folder, 'three'), three);
  });

  it('counts every weight in its progress', async () => {
    const seen: { doneWeights: number; totalWeights: number }[] = [];
    await writePack({
      source,
      packDir: join(folder, 'pack'),
      quantization: QUANTIZATION,
      onProgress: (progress) => seen.push({ ...progress }),
    });
    const done = seen.map(({ doneWeights }) => doneWeights);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(seen.at(-1)!.doneWeights).toBe(seen.at(-1)!.totalWeights);
  });

  it('writes over nothing', async () => {
    await expect(writePack({ source, packDir: folder, quantization: QUANTIZATION })).rejects.toThrow(InvalidOptionError);
  });

  it('leaves nothing behind of a checkpoint with a weight that is no number', async () => {
    const broken = join(folder, 'broken');
    await cp(SAMPLE_MODEL, broken, { recursive: true });
    const path = join(broken, 'model.safetensors');
    const file = await open(path, 'r+');
    await file.write(new Uint8Array(4096).fill(0xff), 0, 4096, Math.floor((await stat(path)).size / 2));
    await file.close();
    const packDir = join(folder, 'pack');
    const packing = writePack({ source: { type: 'checkpoint', dir: broken }, packDir, quantization: QUANTIZATION });
    await expect(packing).rejects.toThrow(CheckpointCorruptError);
    expect(existsSync(packDir)).toBe(false);
    expect(existsSync(`${packDir}.partial`)).toBe(false);
  });

  it('is refused where another process makes the same pack', async () => {
    const packDir = join(folder, 'pack');
    await mkdir(`${packDir}.partial`);
    const release = lockFile(join(`${packDir}.partial`, 'lock'))!;
    await expect(writePack({ source, packDir, quantization: QUANTIZATION })).rejects.toThrow(PackInProgressError);
    release();
    await writePack({ source, packDir, quantization: QUANTIZATION });
  });
});

describe('ensurePack', () => {
  it('packs once for all who ask at the same time', async () => {
    const asked = Array.from({ length: 3 }, () => ensurePack({ checkpointDir: SAMPLE_MODEL, quantization: QUANTIZATION }, folder));
    const [first, ...others] = await Promise.all(asked);
    expect(others).toEqual([first, first]);
    await verifyPack(first!, await readManifest(first!));
    const { mtimeMs } = await stat(join(first!, 'manifest.json'));
    expect(await ensurePack({ checkpointDir: SAMPLE_MODEL, quantization: QUANTIZATION }, folder)).toBe(first);
    expect((await stat(join(first!, 'manifest.json'))).mtimeMs).toBe(mtimeMs);
  });

  it('returns a pack as it is', async () => {
    const packDir = join(folder, 'pack');
    await writePack({ source, packDir, quantization: QUANTIZATION });
    expect(await ensurePack({ checkpointDir: packDir, quantization: { method: 'f32' } }, folder)).toBe(packDir);
  });
});

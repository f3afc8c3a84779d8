import { mkdir, mkdtemp, rm, truncate, writeFile, copyFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CheckpointCorruptError,
  CheckpointMismatchError,
  CheckpointMissingError,
  ConfigUnsupportedError,
  RingmeshError,
} from '@ringmesh/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Checkpoint } from './checkpoint.js';

const goldens = join(import.meta.dirname, '../../../test/fixtures/goldens');

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ringmesh-checkpoint-'));
});
afterEach(() => rm(dir, { recursive: true }));

interface HeaderEntry {
  dtype: string;
  shape: unknown;
  data_offsets: unknown;
}

function safetensors(header: Record<string, HeaderEntry | object> | string, data: Uint8Array): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer);

async function openFails(): Promise<RingmeshError> {
  try {
    await Checkpoint.open(dir);
  } catch (error) {
    if (error instanceof RingmeshError) return error;
    throw error;
  }
  return expect.unreachable('it opened');
}

describe('a checkpoint', () => {
  it('of one file gives names, shapes and values', async () => {
    const checkpoint = await Checkpoint.open(join(goldens, 'ring-tiny'));
    expect(checkpoint.names()).toHaveLength(131);
    expect(checkpoint.info('model.word_embeddings.weight')).toEqual({ dtype: 'bf16', shape: [512, 64], bytes: 512 * 64 * 2 });
    const norm = await checkpoint.readF32('model.norm.weight');
    expect(norm).toHaveLength(64);
    expect(norm.every((value) => Math.abs(value) < 10)).toBe(true);
    await checkpoint.close();
  });

  it('of several files reads each tensor from its file', async () => {
    const checkpoint = await Checkpoint.open(join(goldens, 'ring-tiny-distill'));
    expect(checkpoint.info('lm_head.weight').shape).toEqual([640, 80]);
    expect(checkpoint.info('model.word_embeddings.weight').shape).toEqual([640, 80]);
    const raw = await checkpoint.readRows('lm_head.weight', 0, 640);
    const rows = await checkpoint.readRowsF32('lm_head.weight', 638, 2);
    const lastBits = (raw.at(-1)! << 24) | (raw.at(-2)! << 16);
    expect(rows.at(-1)).toBe(new Float32Array(Int32Array.of(lastBits).buffer)[0]);
    await checkpoint.close();
  });

  it('reads any range of rows of any dtype as float32', async () => {
    const values = Float32Array.from({ length: 7 * 6 }, (_, i) => i - 20);
    const halves = new Uint8Array(new Float16Array(values).buffer);
    const upper = Uint8Array.from(bytesOf(values)).filter((_, i) => i % 4 >= 2); // bf16: these values have no lower half
    const entry = (dtype: string, begin: number, bytes: number): HeaderEntry => ({
      dtype,
      shape: [7, 2, 3],
      data_offsets: [begin, begin + bytes],
    });
    const header = { __metadata__: { format: 'pt' }, a: entry('F32', 0, 168), b: entry('F16', 168, 84), c: entry('BF16', 252, 84) };
    await writeFile(join(dir, 'model.safetensors'), safetensors(header, Buffer.concat([bytesOf(values), halves, upper])));
    const checkpoint = await Checkpoint.open(dir);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('a', 'b', 'c'), fc.nat(7), fc.nat(7), async (name, first, count) => {
        fc.pre(first + count <= 7);
        const rows = await checkpoint.readRowsF32(name, first, count);
        expect(rows).toEqual(values.subarray(first * 6, (first + count) * 6));
        const stored = await checkpoint.readRows(name, first, count);
        expect(stored).toHaveLength(rows.length * (name === 'a' ? 4 : 2));
      }),
      { numRuns: 50 },
    );
    await expect(checkpoint.readF32('a')).resolves.toEqual(values);
    expect(() => checkpoint.readRowsF32('a', 6, 2)).toThrow(RangeError);
    expect(() => checkpoint.info('d')).toThrow(CheckpointMismatchError);
    await checkpoint.close();
  });

  it('converts tensors larger than a chunk', async () => {
    const values = Float32Array.from({ length: 1_100_000 }, (_, i) => i);
    const header = { a: { dtype: 'F32', shape: [1_100_000], data_offsets: [0, 4_400_000] } };
    await writeFile(join(dir, 'model.safetensors'), safetensors(header, bytesOf(values)));
    const checkpoint = await Checkpoint.open(dir);
    expect(Buffer.compare(bytesOf(await checkpoint.readF32('a')), bytesOf(values))).toBe(0);
    await checkpoint.close();
  });

  it('that shrinks after it was opened fails on reading', async () => {
    const path = join(dir, 'model.safetensors');
    await writeFile(path, safetensors({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, new Uint8Array(8)));
    const checkpoint = await Checkpoint.open(dir);
    await truncate(path, (await stat(path)).size - 4);
    await expect(checkpoint.readF32('a')).rejects.toThrow(/it was cut short/);
    await checkpoint.close();
  });
});

describe('a folder without usable weights', () => {
  it.each([
    ['nothing there', 'nowhere', /does not exist/],
    ['no weights', '.', /neither model\.safetensors nor/],
  ])('%s', async (_, folder, message) => {
    const opening = Checkpoint.open(join(dir, folder));
    await expect(opening).rejects.toThrow(CheckpointMissingError);
    await expect(opening).rejects.toThrow(message);
  });

  it('PyTorch files only: names the fix', async () => {
    await writeFile(join(dir, 'pytorch_model.bin'), '');
    const error = await openFails();
    expect(error).toBeInstanceOf(CheckpointMissingError);
    expect(error.message).toMatch(/pytorch_model\.bin.*safe_serialization=True/);
  });

  it('a folder in place of the file', async () => {
    await mkdir(join(dir, 'model.safetensors'));
    expect((await openFails()).message).toMatch(/is not a file/);
  });
});

describe('a malformed safetensors file', () => {
  const f32 = (shape: unknown, offsets: unknown): HeaderEntry => ({ dtype: 'F32', shape, data_offsets: offsets });
  const data = new Uint8Array(16);

  it.each<[string, Buffer, RegExp]>([
    ['is empty', Buffer.alloc(0), /has 0 bytes, too few/],
    ['has an absurd header length', Buffer.alloc(16, 0xff), /header would take/],
    ['ends within its header', safetensors({ a: f32([4], [0, 16]) }, data).subarray(0, 20), /cut short: it has 20 bytes/],
    ['has a header that is not JSON', safetensors('{"a":', data), /not valid JSON/],
    ['has a header that is not UTF-8', Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0x22, 0xff, 0x22])]), /not valid JSON/],
    ['has a list as header', safetensors('[]', data), /must hold a JSON object/],
    ['is cut short', safetensors({ a: f32([4], [0, 16]) }, data.subarray(1)), /describes \d+: it is cut short/],
    ['has bytes to spare', safetensors({ a: f32([3], [0, 12]) }, data), /belong to no tensor/],
    ['has a gap', safetensors({ a: f32([1], [0, 4]), b: f32([2], [8, 16]) }, data), /b leaves a gap/],
    ['has tensors that overlap', safetensors({ a: f32([3], [0, 12]), b: f32([2], [8, 16]) }, data), /b overlaps/],
    [
      'has a shape that disagrees with its size',
      safetensors({ a: f32([2, 3], [0, 16]) }, data),
      /a \[2, 3\] F32 takes 24 bytes.*gives it 16/,
    ],
    ['has a shape beyond all numbers', safetensors({ a: f32([2 ** 50, 2 ** 50], [0, 16]) }, data), /takes \S+ bytes/],
    ['has a negative shape', safetensors({ a: f32([-4], [0, 16]) }, data), /a\.shape is \[-4\]/],
    ['has offsets the wrong way round', safetensors({ a: f32([4], [16, 0]) }, data), /begin ≤ end/],
    ['lacks offsets', safetensors({ a: { dtype: 'F32', shape: [4] } }, data), /data_offsets is missing/],
    ['has a tensor that is no object', safetensors('{"a": 1}', data), /must be an object/],
  ])('%s', async (_, bytes, message) => {
    await writeFile(join(dir, 'model.safetensors'), bytes);
    const error = await openFails();
    expect(error).toBeInstanceOf(CheckpointCorruptError);
    expect(error.message).toMatch(message);
  });

  it('stores a number format that is not read', async () => {
    const header = { a: { dtype: 'F8_E4M3', shape: [16], data_offsets: [0, 16] } };
    await writeFile(join(dir, 'model.safetensors'), safetensors(header, data));
    const error = await openFails();
    expect(error).toBeInstanceOf(ConfigUnsupportedError);
    expect(error.message).toMatch(/a is stored as F8_E4M3/);
  });
});

describe('a wrong index', () => {
  const part = safetensors({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, new Uint8Array(4));
  const writeIndex = (index: unknown): Promise<void> => writeFile(join(dir, 'model.safetensors.index.json'), JSON.stringify(index));

  it('names a file that is missing', async () => {
    await writeIndex({ weight_map: { a: 'part.safetensors' } });
    const error = await openFails();
    expect(error).toBeInstanceOf(CheckpointMissingError);
    expect(error.message).toMatch(/part\.safetensors is not there/);
  });

  it('names a tensor that its file does not hold', async () => {
    await writeFile(join(dir, 'part.safetensors'), part);
    await writeIndex({ weight_map: { a: 'part.safetensors', b: 'part.safetensors' } });
    const error = await openFails();
    expect(error).toBeInstanceOf(CheckpointCorruptError);
    expect(error.message).toMatch(/part\.safetensors holds b, but it does not/);
  });

  it.each(['../outside.safetensors', '/etc/x.safetensors', 'sub/part.safetensors', '..\\x.safetensors', 'part.bin', 7, ''])(
    'leads out of the folder or to another kind of file: %j',
    async (file) => {
      await writeIndex({ weight_map: { a: file } });
      const error = await openFails();
      expect(error).toBeInstanceOf(CheckpointCorruptError);
      expect(error.message).toMatch(/weight_map\.a is/);
    },
  );

  it.each([[{}], [{ weight_map: [] }], [{ weight_map: {} }]])('has no map: %j', async (index) => {
    await writeIndex(index);
    expect(await openFails()).toBeInstanceOf(CheckpointCorruptError);
  });

  it('loses to a single file, as in transformers', async () => {
    await writeIndex({ weight_map: { b: 'nowhere.safetensors' } });
    await copyFile(join(goldens, 'ring-tiny/model.safetensors'), join(dir, 'model.safetensors'));
    const checkpoint = await Checkpoint.open(dir);
    expect(checkpoint.has('b')).toBe(false);
    await checkpoint.close();
  });
});

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readShape } from '@ringmesh/pack';
import { expectedTensors } from '@ringmesh/weights';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bailingMoeMetadata, bailingMoeTensors } from './bailing-moe.ts';
import { ggufHeader, type GgufTensor, type GgufValue, writeGguf } from './gguf-file.ts';

let path: string;

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'ringmesh-gguf-')), 'model.gguf');
});

afterEach(() => rm(join(path, '..'), { recursive: true }));

interface Gguf {
  metadata: Record<string, unknown>;
  tensors: { name: string; dims: number[]; type: number; offset: number }[];
  /** Where the tensors' data starts. */
  dataStart: number;
}

/** Reads a file as the specification says, by itself. */
function readGguf(bytes: Buffer): Gguf {
  let position = 0;
  const take = (length: number): Buffer => bytes.subarray(position, (position += length));
  const u32 = (): number => take(4).readUInt32LE();
  const u64 = (): number => Number(take(8).readBigUInt64LE());
  const string = (): string => take(u64()).toString();
  const value = (type: number): unknown => {
    if (type === 4) return u32();
    if (type === 5) return take(4).readInt32LE();
    if (type === 6) return take(4).readFloatLE();
    if (type === 7) return take(1)[0] === 1;
    if (type === 8) return string();
    expect(type).toBe(9);
    const elementType = u32();
    return Array.from({ length: u64() }, () => value(elementType));
  };
  expect(take(4).toString()).toBe('GGUF');
  expect(u32()).toBe(3);
  const [numTensors, numValues] = [u64(), u64()];
  const metadata = Object.fromEntries(Array.from({ length: numValues }, () => [string(), value(u32())] as const));
  const tensors = Array.from({ length: numTensors }, () => {
    return { name: string(), dims: Array.from({ length: u32() }, u64), type: u32(), offset: u64() };
  });
  return { metadata, tensors, dataStart: Math.ceil(position / 32) * 32 };
}

/** Q4_0: a float16 scale and 16 bytes; weight j is in the low half of byte j, weight j + 16 in its high half. */
function dequantize(block: Buffer): number[] {
  const scale = new Float16Array(Uint8Array.from(block.subarray(0, 2)).buffer)[0]!;
  const codes = block.subarray(2);
  return [...codes.map((byte) => byte & 15), ...codes.map((byte) => byte >> 4)].map((code) => (code - 8) * scale);
}

describe('writeGguf', () => {
  it('writes values and tensors that are read back, each tensor at a multiple of 32 bytes', async () => {
    const tensors: GgufTensor[] = [
      { name: 'a', dims: [3], type: 'f32', data: () => [Uint8Array.from({ length: 12 }, (_, i) => i)] },
      { name: 'b', dims: [32, 2], type: 'q4_0', data: () => [new Uint8Array(18).fill(7), new Uint8Array(18).fill(8)] },
    ];
    const metadata = new Map<string, GgufValue>([
      ['n', { type: 'u32', value: 7 }],
      ['x', { type: 'f32', value: 0.5 }],
      ['yes', { type: 'bool', value: true }],
      ['name', { type: 'string', value: 'Größe' }],
      ['types', { type: 'i32s', value: [1, -3] }],
      ['tokens', { type: 'strings', value: ['a', 'ß'] }],
    ]);
    await writeGguf(path, metadata, tensors);
    const bytes = await readFile(path);
    const gguf = readGguf(bytes);
    expect(gguf.metadata).toEqual({ n: 7, x: 0.5, yes: true, name: 'Größe', types: [1, -3], tokens: ['a', 'ß'] });
    expect(gguf.tensors).toEqual([
      { name: 'a', dims: [3], type: 0, offset: 0 },
      { name: 'b', dims: [32, 2], type: 2, offset: 32 },
    ]);
    expect(bytes.length).toBe(gguf.dataStart + 32 + 64);
    expect(bytes[gguf.dataStart + 11]).toBe(11);
    expect(bytes[gguf.dataStart + 32 + 35]).toBe(8);
  });

  it('refuses data that is not as long as the tensor', async () => {
    const tensor: GgufTensor = { name: 'a', dims: [3], type: 'f32', data: () => [new Uint8Array(11)] };
    await expect(writeGguf(path, new Map(), [tensor])).rejects.toThrow('a: 11 bytes of data, expected 12');
  });
});

describe('the architecture bailingmoe', () => {
  it('has as many weights as the checkpoint, at full size', async () => {
    const { config } = await readShape('ring-lite');
    const { tensors } = readGguf(Buffer.from(ggufHeader(new Map(), bailingMoeTensors(config))));
    const product = (sizes: number[]): number => sizes.reduce((total, size) => total * size, 1);
    const weights = tensors.reduce((sum, { dims }) => sum + product(dims), 0);
    const expected = [...expectedTensors(config).values()].reduce((sum, { axes }) => sum + product(axes.map(({ size }) => size)), 0);
    expect(weights).toBe(expected);
    expect(tensors.filter(({ name }) => name.startsWith('blk.27.'))).toHaveLength(13);
  });

  it('has random weights of mean 0 and variance 1/K, and says what llama.cpp asks for', async () => {
    const shape = await readShape('ring-lite', 1);
    const config = { ...shape.config, hiddenSize: 256, vocabSize: 300, numExperts: 4, moeIntermediateSize: 64, eosTokenIds: [2] };
    const tokens = Array.from({ length: 300 }, (_, id) => `t${id}`);
    await writeGguf(path, bailingMoeMetadata(config, tokens), bailingMoeTensors(config));
    const bytes = await readFile(path);
    const { metadata, tensors, dataStart } = readGguf(bytes);
    expect(metadata).toMatchObject({
      'general.architecture': 'bailingmoe',
      'bailingmoe.block_count': 1,
      'bailingmoe.expert_used_count': 6,
      'bailingmoe.expert_weights_norm': true,
      'tokenizer.ggml.eos_token_id': 2,
      'tokenizer.ggml.tokens': tokens,
    });
    const { offset, dims } = tensors.find(({ name }) => name === 'blk.0.ffn_up_exps.weight')!;
    expect(dims).toEqual([256, 64, 4]);
    const numBlocks = (256 * 64 * 4) / 32;
    const values = Array.from({ length: numBlocks }, (_, block) => {
      const start = dataStart + offset + block * 18;
      return dequantize(bytes.subarray(start, start + 18));
    }).flat();
    const mean = (of: number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
    expect(mean(values)).toBeCloseTo(0, 2);
    expect(mean(values.map((value) => value * value)) * 256).toBeCloseTo(1, 1);
  });
});

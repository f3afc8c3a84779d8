import { open, rename } from 'node:fs/promises';

/** A metadata value. Source of all numbers here: GGUF version 3, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
export type GgufValue =
  | { type: 'u32' | 'f32'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | { type: 'i32s'; value: number[] }
  | { type: 'strings'; value: string[] };

/** A tensor whose bytes are made when they are written. */
export interface GgufTensor {
  name: string;
  /** The fastest axis first. */
  dims: number[];
  type: 'f32' | 'q4_0';
  /** All of its bytes, in pieces. */
  data: () => Iterable<Uint8Array>;
}

const VALUE_TYPES = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 };
const TENSOR_TYPES = { f32: 0, q4_0: 2 };
const ALIGNMENT = 32;

/** Weights of a Q4_0 block: a float16 scale and 4 bits for each. */
export const Q4_0_BLOCK = { weights: 32, bytes: 18 };

export function tensorBytes({ dims, type }: Pick<GgufTensor, 'dims' | 'type'>): number {
  const weights = dims.reduce((product, size) => product * size, 1);
  return type === 'f32' ? weights * 4 : (weights / Q4_0_BLOCK.weights) * Q4_0_BLOCK.bytes;
}

/** Writes a file that appears whole or not at all. */
export async function writeGguf(path: string, metadata: ReadonlyMap<string, GgufValue>, tensors: readonly GgufTensor[]): Promise<void> {
  const file = await open(`${path}.partial`, 'w');
  try {
    await file.writeFile(ggufHeader(metadata, tensors));
    for (const tensor of tensors) {
      let written = 0;
      for (const piece of tensor.data()) {
        await file.writeFile(piece);
        written += piece.length;
      }
      const expected = tensorBytes(tensor);
      if (written !== expected) throw new Error(`${tensor.name}: ${written} bytes of data, expected ${expected}`);
      await file.writeFile(new Uint8Array(paddingAfter(expected)));
    }
  } finally {
    await file.close();
  }
  await rename(`${path}.partial`, path);
}

/** Everything before the tensors' data, padded. */
export function ggufHeader(metadata: ReadonlyMap<string, GgufValue>, tensors: readonly GgufTensor[]): Uint8Array {
  const parts = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(metadata.size)];
  for (const [key, value] of metadata) parts.push(string(key), valueBytes(value));
  let offset = 0;
  for (const tensor of tensors) {
    parts.push(string(tensor.name), u32(tensor.dims.length), ...tensor.dims.map(u64), u32(TENSOR_TYPES[tensor.type]), u64(offset));
    const bytes = tensorBytes(tensor);
    offset += bytes + paddingAfter(bytes);
  }
  const header = Buffer.concat(parts);
  return Buffer.concat([header, Buffer.alloc(paddingAfter(header.length))]);
}

function valueBytes(entry: GgufValue): Buffer {
  switch (entry.type) {
    case 'u32':
      return Buffer.concat([u32(VALUE_TYPES.u32), u32(entry.value)]);
    case 'f32': {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatLE(entry.value);
      return Buffer.concat([u32(VALUE_TYPES.f32), bytes]);
    }
    case 'bool':
      return Buffer.concat([u32(VALUE_TYPES.bool), Buffer.of(entry.value ? 1 : 0)]);
    case 'string':
      return Buffer.concat([u32(VALUE_TYPES.string), string(entry.value)]);
    case 'i32s':
      return Buffer.concat([arrayStart(VALUE_TYPES.i32, entry.value.length), Buffer.from(Int32Array.from(entry.value).buffer)]);
    case 'strings':
      return Buffer.concat([arrayStart(VALUE_TYPES.string, entry.value.length), ...entry.value.map(string)]);
  }
}

function arrayStart(elementType: number, length: number): Buffer {
  return Buffer.concat([u32(VALUE_TYPES.array), u32(elementType), u64(length)]);
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function paddingAfter(bytes: number): number {
  return (ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT;
}

import { CheckpointCorruptError, CheckpointMismatchError } from '@ringmesh/core';
import { BYTES_PER_ELEMENT, decodeToF32, type DType } from '@ringmesh/tensor';
import { findCheckpointFiles } from './checkpoint-files.js';
import { SafetensorsFile } from './safetensors-file.js';
import type { TensorSpan } from './safetensors-header.js';

/** What a checkpoint says of one tensor. */
export interface TensorInfo {
  dtype: DType;
  shape: readonly number[];
  bytes: number;
}

interface StoredTensor extends TensorSpan {
  file: SafetensorsFile;
}

/** Conversion reads this much at a time, so that a tensor costs little more memory than its float32 result. */
const CHUNK_BYTES = 4 * 2 ** 20;

/** The tensors of a Hugging Face checkpoint folder, in one safetensors file or several. Reads go through file handles; nothing is cached. */
export class Checkpoint {
  private constructor(
    private readonly files: readonly SafetensorsFile[],
    private readonly tensors: ReadonlyMap<string, StoredTensor>,
  ) {}

  /**
   * Opens all files and checks their headers.
   * @throws CheckpointMissingError where folder or files are not there
   * @throws CheckpointCorruptError where a file is cut short or malformed, or the index is wrong
   * @throws ConfigUnsupportedError for number formats other than F32, F16 and BF16
   */
  static async open(dir: string): Promise<Checkpoint> {
    const found = await findCheckpointFiles(dir);
    const files: SafetensorsFile[] = [];
    try {
      for (const path of found.files) files.push(await SafetensorsFile.open(path));
      return new Checkpoint(files, collectTensors(files, 'fileOf' in found ? found.fileOf : null));
    } catch (error) {
      await Promise.all(files.map((file) => file.close()));
      throw error;
    }
  }

  names(): string[] {
    return [...this.tensors.keys()];
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** @throws CheckpointMismatchError where there is no such tensor; so do all reads */
  info(name: string): TensorInfo {
    const { dtype, shape, bytes } = this.tensor(name);
    return { dtype, shape, bytes };
  }

  /** A whole tensor as float32. */
  readF32(name: string): Promise<Float32Array> {
    const { shape } = this.tensor(name);
    return this.readElementsF32(name, 0, elements(shape));
  }

  /** Rows of a tensor, along its first axis, as float32. @returns [numRows, …] */
  readRowsF32(name: string, firstRow: number, numRows: number): Promise<Float32Array> {
    const rowLength = this.rowLength(name, firstRow, numRows);
    return this.readElementsF32(name, firstRow * rowLength, numRows * rowLength);
  }

  /** Rows of a tensor as stored: little-endian {@link TensorInfo.dtype}. */
  async readRows(name: string, firstRow: number, numRows: number): Promise<Uint8Array> {
    const { file, offset, dtype } = this.tensor(name);
    const rowBytes = this.rowLength(name, firstRow, numRows) * BYTES_PER_ELEMENT[dtype];
    const target = new Uint8Array(numRows * rowBytes);
    await file.read(offset + firstRow * rowBytes, target);
    return target;
  }

  /** No read may follow. */
  async close(): Promise<void> {
    await Promise.all(this.files.map((file) => file.close()));
  }

  private tensor(name: string): StoredTensor {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new CheckpointMismatchError(`the checkpoint has no tensor ${name}`, { field: name });
    return tensor;
  }

  private rowLength(name: string, firstRow: number, numRows: number): number {
    const [rows = 1, ...rest] = this.tensor(name).shape;
    if (!(firstRow >= 0 && numRows >= 0 && firstRow + numRows <= rows)) {
      throw new RangeError(`${name} has ${rows} rows, not rows ${firstRow} to ${firstRow + numRows}`);
    }
    return elements(rest);
  }

  private async readElementsF32(name: string, first: number, count: number): Promise<Float32Array> {
    const { file, offset, dtype } = this.tensor(name);
    const elementBytes = BYTES_PER_ELEMENT[dtype];
    const values = new Float32Array(count);
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, count * elementBytes));
    const chunkElements = CHUNK_BYTES / elementBytes;
    for (let done = 0; done < count; done += chunkElements) {
      const part = values.subarray(done, done + chunkElements);
      const bytes = chunk.subarray(0, part.length * elementBytes);
      await file.read(offset + (first + done) * elementBytes, bytes);
      decodeToF32(dtype, bytes, part);
    }
    return values;
  }
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** @param fileOf tensor → path by the index; null: every tensor of the (only) file */
function collectTensors(files: readonly SafetensorsFile[], fileOf: ReadonlyMap<string, string> | null): Map<string, StoredTensor> {
  if (fileOf === null) return new Map(files.flatMap((file) => [...file.spans].map(([name, span]) => [name, { ...span, file }] as const)));
  const byPath = new Map(files.map((file) => [file.path, file]));
  const tensors = new Map<string, StoredTensor>();
  for (const [name, path] of fileOf) {
    const file = byPath.get(path);
    const span = file?.spans.get(name);
    if (file === undefined || span === undefined) {
      throw new CheckpointCorruptError(`model.safetensors.index.json says that ${path} holds ${name}, but it does not; fetch both again`, {
        field: name,
      });
    }
    tensors.set(name, { ...span, file });
  }
  return tensors;
}

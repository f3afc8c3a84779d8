import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { CheckpointCorruptError, CheckpointMissingError } from '@ringmesh/core';
import { readSafetensorsHeader, type TensorSpan } from './safetensors-header.js';

/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
/** The header's length, a little-endian 64-bit integer, stands first. */
const LENGTH_BYTES = 8;

/** An open safetensors file. Only the header is held in memory. */
export class SafetensorsFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    readonly spans: ReadonlyMap<string, TensorSpan>,
  ) {}

  /**
   * @throws CheckpointMissingError where the file is not there
   * @throws CheckpointCorruptError where it is no safetensors file or cut short
   */
  static async open(path: string): Promise<SafetensorsFile> {
    const size = await fileSize(path);
    const handle = await open(path, 'r');
    try {
      return new SafetensorsFile(path, handle, await readSpans(handle, path, size));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Fills `target` from byte `offset` of the file. */
  read(offset: number, target: Uint8Array): Promise<void> {
    return readFully(this.handle, this.path, offset, target);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

async function fileSize(path: string): Promise<number> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw new CheckpointMissingError(`${path} is not there or cannot be read; fetch it again`, { field: basename(path), cause });
  });
  if (!stats.isFile()) throw new CheckpointMissingError(`${path} is not a file`, { field: basename(path) });
  return stats.size;
}

async function readSpans(handle: FileHandle, path: string, size: number): Promise<Map<string, TensorSpan>> {
  if (size < LENGTH_BYTES) throw corrupt(path, `has ${size} bytes, too few for a safetensors file`);
  const length = new Uint8Array(LENGTH_BYTES);
  await readFully(handle, path, 0, length);
  const headerBytes = Number(new DataView(length.buffer).getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES) {
    throw corrupt(path, `is no safetensors file: its header would take ${headerBytes} bytes, at most ${MAX_HEADER_BYTES} are allowed`);
  }
  const dataStart = LENGTH_BYTES + headerBytes;
  if (dataStart > size) throw corrupt(path, `is cut short: it has ${size} bytes, its header alone takes ${dataStart}`);
  const header = new Uint8Array(headerBytes);
  await readFully(handle, path, LENGTH_BYTES, header);
  return readSafetensorsHeader(parseHeader(header, path), path, dataStart, size);
}

function parseHeader(header: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch (cause) {
    throw corrupt(path, 'is no safetensors file: its header is not valid JSON', cause);
  }
}

async function readFully(handle: FileHandle, path: string, offset: number, target: Uint8Array): Promise<void> {
  for (let done = 0; done < target.length;) {
    const { bytesRead } = await handle.read(target, done, target.length - done, offset + done);
    if (bytesRead === 0) throw corrupt(path, `ends at byte ${offset + done}, expected ${offset + target.length}: it was cut short`);
    done += bytesRead;
  }
}

function corrupt(path: string, problem: string, cause?: unknown): CheckpointCorruptError {
  return new CheckpointCorruptError(`${path} ${problem}; fetch the file again`, { field: basename(path), cause });
}

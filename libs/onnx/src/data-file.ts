import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ExternalData } from './graph-builder.js';

/** Weights start at page boundaries, so that each can be mapped by itself. */
const PAGE_BYTES = 4096;

/** A file of weights beside the graphs that refer to it. Space is reserved first and may be filled in pieces, in any order. */
export class DataFile {
  private end = 0;

  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  static async create(path: string): Promise<DataFile> {
    return new DataFile(path, await open(path, 'w'));
  }

  /** Space for one tensor. */
  reserve(length: number): ExternalData {
    const offset = Math.ceil(this.end / PAGE_BYTES) * PAGE_BYTES;
    this.end = offset + length;
    return { file: basename(this.path), offset, length };
  }

  /** Fills a part of reserved space, from byte `position` of it. */
  async write(space: ExternalData, position: number, bytes: Uint8Array): Promise<void> {
    await this.handle.write(bytes, 0, bytes.length, space.offset + position);
  }

  async close(): Promise<void> {
    await this.handle.truncate(this.end);
    await this.handle.close();
  }
}

import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ExternalData } from './graph-builder.js';

/** Weights start at page boundaries, so that each can be mapped by itself. */
const PAGE_BYTES = 4096;

/** Where weights lie in a file, one after another. */
class DataLayout {
  private end = 0;

  constructor(private readonly file: string) {}

  /** Space for one tensor. */
  reserve(length: number): ExternalData {
    const offset = Math.ceil(this.end / PAGE_BYTES) * PAGE_BYTES;
    this.end = offset + length;
    return { file: this.file, offset, length };
  }
}

/** A file of weights beside the graphs that refer to it. Space is reserved first and may be filled in pieces, in any order. */
export class DataFile {
  private readonly layout: DataLayout;

  private constructor(
    path: string,
    private readonly handle: FileHandle,
  ) {
    this.layout = new DataLayout(basename(path));
  }

  static async create(path: string): Promise<DataFile> {
    return new DataFile(path, await open(path, 'w'));
  }

  /** Space for one tensor. */
  reserve(length: number): ExternalData {
    return this.layout.reserve(length);
  }

  /** Fills a part of reserved space, from byte `position` of it. */
  async write(space: ExternalData, position: number, bytes: Uint8Array): Promise<void> {
    // A disk that runs full takes a part first, and only then fails.
    for (let done = 0; done < bytes.length;) {
      done += (await this.handle.write(bytes, done, bytes.length - done, space.offset + position + done)).bytesWritten;
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

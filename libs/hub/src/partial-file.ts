import type { Hash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { startHash } from './checksum.js';
import type { HubFile } from './hub-file.js';
import type { PullProgress } from './pull-progress.js';

const READ_BYTES = 2 ** 20;

/** A file as far as it is loaded, under `<path>.partial`: it is hashed as it is written, and gets its name when it is whole and right. */
export class PartialFile {
  /** Bytes that are loaded. */
  size = 0;
  /** Its bytes come from more than one answer, and may not belong together. */
  isPatchwork = false;
  private hash: Hash;

  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    private readonly file: HubFile,
    private readonly progress: PullProgress,
  ) {
    this.hash = this.newHash();
  }

  static async open(path: string, file: HubFile, progress: PullProgress): Promise<PartialFile> {
    return new PartialFile(path, await open(`${path}.partial`, 'a+'), file, progress);
  }

  /** Goes on with what an earlier run left behind; without a checksum nobody could tell whether that is of the same file, so then it starts anew. */
  async resume(): Promise<void> {
    const { size } = await this.handle.stat();
    if (this.file.checksum !== null && size <= this.file.size) await this.readAgain(size);
    else if (size > 0) await this.restart();
  }

  /** @throws what the disk says, ENOSPC among it */
  async append(bytes: Uint8Array): Promise<void> {
    await this.handle.appendFile(bytes);
    this.progress.receive(bytes.length);
    this.count(bytes);
  }

  async restart(): Promise<void> {
    await this.handle.truncate(0);
    this.progress.drop(this.size);
    this.size = 0;
    this.isPatchwork = false;
    this.hash = this.newHash();
  }

  /** Whether the content so far is what the hub says. Without a checksum the size must do. */
  get isIntact(): boolean {
    return this.size === this.file.size && (this.file.checksum === null || this.digest === this.file.checksum.hex);
  }

  get digest(): string {
    return this.hash.copy().digest('hex');
  }

  /** Gives the file its name, once its bytes are on the disk. */
  async complete(): Promise<void> {
    await this.handle.datasync();
    await rename(`${this.path}.partial`, this.path);
  }

  async discard(): Promise<void> {
    await rm(`${this.path}.partial`, { force: true });
    this.progress.drop(this.size);
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private newHash(): Hash {
    return startHash(this.file.checksum?.algorithm ?? 'sha256', this.file.size);
  }

  private async readAgain(size: number): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    while (this.size < size) {
      const { bytesRead } = await this.handle.read(buffer, 0, Math.min(READ_BYTES, size - this.size), this.size);
      if (bytesRead === 0) break;
      this.progress.found(bytesRead);
      this.count(buffer.subarray(0, bytesRead));
    }
    this.isPatchwork = this.size > 0;
  }

  private count(bytes: Uint8Array): void {
    this.hash.update(bytes);
    this.size += bytes.length;
  }
}

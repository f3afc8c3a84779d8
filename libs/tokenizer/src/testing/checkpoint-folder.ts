import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { RING_TINY } from './goldens.js';

type Json = Record<string, unknown>;

/** A copy of ring-tiny's tokenizer files, gone after the test. */
export class CheckpointFolder {
  private constructor(readonly dir: string) {}

  static async create(): Promise<CheckpointFolder> {
    const dir = await mkdtemp(join(tmpdir(), 'ringmesh-tokenizer-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    await cp(RING_TINY, dir, { recursive: true, filter: (path) => path === RING_TINY || /token|special/.test(basename(path)) });
    return new CheckpointFolder(dir);
  }

  /** Changes a JSON file in place. */
  async edit(file: string, change: (json: Json) => void): Promise<this> {
    const json = JSON.parse(await readFile(join(this.dir, file), 'utf8')) as Json;
    change(json);
    return this.write(file, JSON.stringify(json));
  }

  async write(file: string, content: string): Promise<this> {
    await writeFile(join(this.dir, file), content);
    return this;
  }

  async remove(file: string): Promise<this> {
    await rm(join(this.dir, file));
    return this;
  }
}

import { existsSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InvalidOptionError, lockFile, PackInProgressError } from '@ringmesh/core';
import type { PackFile } from '@ringmesh/weights';
import { PackJournal } from './pack-journal.js';
import type { PackUnit } from './units.js';

/**
 * The folder `<pack>.partial` in which a pack is made: a lock, a journal of what is finished, and the pack itself, which moves to its place
 * when it is complete. It outlives a process that is killed, so that the next one goes on there.
 */
export class PackWorkspace {
  private constructor(
    private readonly dir: string,
    private readonly target: string,
    private readonly journal: PackJournal,
    private readonly unlock: () => void,
  ) {}

  /**
   * @param inputs plain data: what was done for other inputs is thrown away
   * @throws InvalidOptionError where the pack is there already @throws PackInProgressError where another process is making it
   */
  static async open(packDir: string, inputs: unknown): Promise<PackWorkspace> {
    const target = resolve(packDir);
    const dir = `${target}.partial`;
    checkIsFree(target);
    await mkdir(dir, { recursive: true });
    const unlock = lockFile(join(dir, 'lock'));
    if (unlock === null) {
      throw new PackInProgressError(`${packDir} is being packed by another process: wait for it, or choose another folder`, {
        field: 'pack',
      });
    }
    // The process that had the lock before may have finished just now.
    checkIsFree(target);
    const journal = PackJournal.open(join(dir, 'journal.jsonl'), inputs);
    const workspace = new PackWorkspace(dir, target, journal, unlock);
    if (journal.finished.size === 0) await rm(workspace.packDir, { recursive: true, force: true });
    return workspace;
  }

  /** Where the pack's files are written. */
  get packDir(): string {
    return join(this.dir, 'pack');
  }

  /** The files of a unit that an earlier process finished; null where it has to be written. */
  finishedFiles({ label }: PackUnit): PackFile[] | null {
    const files = this.journal.finished.get(label) ?? null;
    const isThere = ({ path, bytes }: PackFile): boolean => statSync(join(this.packDir, path), { throwIfNoEntry: false })?.size === bytes;
    return files?.every(isThere) === true ? files : null;
  }

  /** Remembers that a unit is finished. */
  finish({ label }: PackUnit, files: PackFile[]): void {
    this.journal.add(label, files);
  }

  /** The pack appears in its place, as a whole. */
  async publish(): Promise<void> {
    await mkdir(dirname(this.target), { recursive: true });
    await rename(this.packDir, this.target);
    await rm(this.dir, { recursive: true });
  }

  /** Throws away what was done. */
  async discard(): Promise<void> {
    await rm(this.dir, { recursive: true });
  }

  /** Lets another process go on. */
  close(): void {
    this.journal.close();
    this.unlock();
  }
}

/** A pack is never written over something. @throws InvalidOptionError */
function checkIsFree(target: string): void {
  if (existsSync(target)) {
    throw new InvalidOptionError(`${target} is there already: give a folder that does not exist, or remove it`, { field: 'pack' });
  }
}

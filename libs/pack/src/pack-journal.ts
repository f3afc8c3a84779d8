import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { PackFile } from '@ringmesh/weights';

interface Entry {
  unit: string;
  files: PackFile[];
}

/**
 * Which units of a pack are finished: after a first line that says what is packed, one line of JSON each. A line that was cut short does
 * not count. Writes are synchronous, so that lines of several threads cannot mix.
 */
export class PackJournal {
  private constructor(
    private readonly descriptor: number,
    /** The files of each finished unit, by the unit's label. */
    readonly finished: Map<string, PackFile[]>,
  ) {}

  /** Opens a journal; one that is not about the same inputs starts again. @param inputs plain data */
  static open(path: string, inputs: unknown): PackJournal {
    const header = `${JSON.stringify(inputs)}\n`;
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const descriptor = openSync(path, 'a');
    const journal = new PackJournal(descriptor, new Map());
    if (text.startsWith(header)) {
      const { entries, length } = readEntries(text, header.length);
      for (const { unit, files } of entries) journal.finished.set(unit, files);
      ftruncateSync(descriptor, Buffer.byteLength(text.slice(0, length)));
    } else {
      ftruncateSync(descriptor);
      journal.write(header);
    }
    return journal;
  }

  /** When this returns the unit counts as finished, whatever happens to the machine. */
  add(unit: string, files: PackFile[]): void {
    this.write(`${JSON.stringify({ unit, files } satisfies Entry)}\n`);
    this.finished.set(unit, files);
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private write(line: string): void {
    writeSync(this.descriptor, line);
    fsyncSync(this.descriptor);
  }
}

/** @returns the whole lines from `start` on, and where they end */
function readEntries(text: string, start: number): { entries: Entry[]; length: number } {
  const entries: Entry[] = [];
  let length = start;
  for (let end = text.indexOf('\n', length); end !== -1; end = text.indexOf('\n', length)) {
    const entry = parseEntry(text.slice(length, end));
    if (entry === null) break;
    entries.push(entry);
    length = end + 1;
  }
  return { entries, length };
}

/** Null for what a machine that lost power left behind. */
function parseEntry(line: string): Entry | null {
  try {
    return JSON.parse(line) as Entry;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

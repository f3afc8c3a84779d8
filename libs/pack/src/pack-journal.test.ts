import { appendFile, mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PackJournal } from './pack-journal.js';

const INPUTS = { source: 'ä', shards: 8 };
const files = (name: string) => [{ path: name, bytes: 1, sha256: 'ab' }];
let path: string;

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'ringmesh-journal-')), 'journal.jsonl');
});

afterEach(() => rm(join(path, '..'), { recursive: true }));

/** A journal with two units, closed. */
async function written(): Promise<void> {
  const journal = PackJournal.open(path, INPUTS);
  journal.add('one', files('a'));
  journal.add('two', files('b'));
  journal.close();
}

function reopened(inputs: unknown): PackJournal {
  const journal = PackJournal.open(path, inputs);
  journal.close();
  return journal;
}

describe('PackJournal', () => {
  it('remembers what was finished', async () => {
    await written();
    const { finished } = reopened(INPUTS);
    expect([...finished]).toEqual([
      ['one', files('a')],
      ['two', files('b')],
    ]);
  });

  it('starts again for other inputs', async () => {
    await written();
    expect(reopened({ ...INPUTS, shards: 4 }).finished.size).toBe(0);
    expect(reopened(INPUTS).finished.size).toBe(0);
  });

  it.each([
    ['a line that was cut short', () => readFile(path).then(({ length }) => truncate(path, length - 1)), ['one']],
    ['the beginning of a line', () => appendFile(path, '{"unit":"th'), ['one', 'two']],
    ['a line of zeros', () => appendFile(path, '\0\0\0\n'), ['one', 'two']],
  ])('drops %s and goes on after it', async (_, damage, kept) => {
    await written();
    await damage();
    const journal = PackJournal.open(path, INPUTS);
    expect([...journal.finished.keys()]).toEqual(kept);
    journal.add('last', files('c'));
    journal.close();
    expect([...reopened(INPUTS).finished.keys()]).toEqual([...kept, 'last']);
  });
});

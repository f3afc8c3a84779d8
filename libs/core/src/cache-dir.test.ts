import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultCacheDir, explainCacheError } from './cache-dir.js';

describe('defaultCacheDir', () => {
  it.each([
    [{ RINGMESH_CACHE: '/a', XDG_CACHE_HOME: '/b' }, '/a'],
    [{ RINGMESH_CACHE: '', XDG_CACHE_HOME: '/b' }, '/b/ringmesh'],
    [{ XDG_CACHE_HOME: '' }, join(homedir(), '.cache/ringmesh')],
    [{}, join(homedir(), '.cache/ringmesh')],
  ])('%j', (environment, expected) => {
    expect(defaultCacheDir(environment)).toBe(expected);
  });
});

describe('explainCacheError', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ringmesh-cache-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => expect.unreachable('it did not fail'),
      (error: unknown) => error,
    );

  it('names the variable where the folder cannot be made, or something in it not be used', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const cache = join(file, 'cache');
    const explained = explainCacheError(await failure(mkdir(join(cache, 'packs'), { recursive: true })), cache);
    expect(explained).toMatchObject({ name: 'InvalidOptionError', field: 'RINGMESH_CACHE' });
    expect((explained as Error).message).toMatch(new RegExp(`the cache folder ${cache} cannot be used \\(ENOTDIR.*set RINGMESH_CACHE to`));
    const missing = await failure(readFile(join(folder, 'packs', 'a')));
    expect(explainCacheError(missing, folder)).toMatchObject({ message: expect.stringContaining('ENOENT') as string });
  });

  it('leaves all other errors alone', async () => {
    const elsewhere = await failure(readFile(join(tmpdir(), 'ringmesh-nowhere')));
    for (const error of [elsewhere, new Error('x'), 'x', undefined]) expect(explainCacheError(error, folder)).toBe(error);
  });
});

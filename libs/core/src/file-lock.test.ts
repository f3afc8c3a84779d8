import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockFile } from './file-lock.js';

let path: string;

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'ringmesh-lock-')), 'lock');
});

afterEach(() => rm(join(path, '..'), { recursive: true }));

it('is held by one at a time', () => {
  const release = lockFile(path);
  expect(release).not.toBeNull();
  expect(lockFile(path)).toBeNull();
  release!();
  const again = lockFile(path);
  expect(again).not.toBeNull();
  again!();
});

it('is held whatever is collected, and ends with a process that is killed', async () => {
  // The holder keeps nothing of what it was given.
  const code = `
    const { lockFile } = await import('@ringmesh/core');
    lockFile(process.argv[1]);
    gc();
    setImmediate(() => console.log('held'));
    setInterval(() => {}, 1000);`;
  const args = ['--expose-gc', '--input-type=module', '-e', code, path];
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  expect(lockFile(path)).toBeNull();
  const exited = once(holder, 'exit');
  holder.kill('SIGKILL');
  await exited;
  const release = lockFile(path);
  expect(release).not.toBeNull();
  release!();
});

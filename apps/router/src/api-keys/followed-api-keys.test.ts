import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@ringmesh/telemetry';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FollowedApiKeys, type KeyListener } from './followed-api-keys.js';

const SECRET = 'sk-secret';
let dir: string;
let apiKeysFile: string;
let lines: string[];
let changes: string[][];
let listener: KeyListener;

/** A file as Kubernetes mounts a secret: `keys.json` leads to `..data/keys.json`, and `..data` to a folder that is never changed. */
let versions = 0;
async function mount(content: unknown): Promise<void> {
  const folder = `..version-${versions++}`;
  await mkdir(join(dir, folder));
  await writeFile(join(dir, folder, 'keys.json'), typeof content === 'string' ? content : JSON.stringify(content));
  await symlink(folder, join(dir, '..data_tmp'));
  await rename(join(dir, '..data_tmp'), join(dir, '..data'));
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ringmesh-keys-'));
  apiKeysFile = join(dir, 'keys.json');
  await mount([{ name: 'a', key: 'sk-a' }]);
  await symlink(join('..data', 'keys.json'), apiKeysFile);
  lines = [];
  changes = [];
  const log = createLogger({ name: 'router', pretty: false, destination: { write: (text) => void lines.push(text) } });
  listener = { log, onChange: ({ list }) => changes.push(list.map(({ name }) => name)) };
});
afterEach(() => rm(dir, { recursive: true }));

const read = (): Promise<FollowedApiKeys> => FollowedApiKeys.read({ apiKeys: ['sk-cli'], apiKeysFile, apiKeysIntervalMs: 5 });

it('takes the keys of a file that another link leads to, and says how many there are', async () => {
  const keys = await read();
  await keys.look(listener);
  expect(changes).toEqual([]);
  await mount([
    { name: 'a', key: 'sk-a', maxNumSeqs: 1 },
    { name: 'b', key: 'sk-b' },
  ]);
  await keys.look(listener);
  await keys.look(listener);
  expect(changes).toEqual([['api-key-1', 'a', 'b']]);
  expect(keys.current.find('sk-a')).toMatchObject({ limits: { maxNumSeqs: 1 } });
  await mount([{ name: 'b', key: 'sk-b' }]);
  await keys.look(listener);
  expect([keys.current.find('sk-a'), keys.current.find('sk-cli')?.name, keys.current.find('sk-b')?.name]).toEqual([null, 'api-key-1', 'b']);
  expect(lines.map((line) => /"apiKeys":(\d+)/.exec(line)?.[1])).toEqual(['3', '2']);
});

it.each<[what: string, break_: () => Promise<void>, says: string]>([
  ['no JSON', () => mount(`[{"name": "a", "key": ${SECRET}`), 'not valid JSON'],
  ['a wrong field', () => mount([{ name: 'a', key: SECRET, maxNumSeqs: 0 }]), '0.maxNumSeqs'],
  ['no keys at all, which would open the server', () => mount([]), 'the list of keys'],
  ['a key of the command line', () => mount([{ name: 'a', key: 'sk-cli' }]), 'are the same key'],
  ['nothing any more', () => rm(apiKeysFile), 'cannot be read'],
])('keeps the keys where the file has %s, and says so once', async (_, break_, says) => {
  const keys = await read();
  await break_();
  for (let look = 0; look < 3; look++) await keys.look(listener);
  expect(keys.current.find('sk-a')).toMatchObject({ name: 'a' });
  expect(changes).toEqual([]);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(says);
  expect(lines[0]).not.toContain(SECRET);
});

it('says of each version what is wrong with it, and takes the one that is right', async () => {
  const keys = await read();
  for (const content of ['{', '[', [{ name: 'b', key: 'sk-b' }], '{']) {
    await mount(content);
    await keys.look(listener);
  }
  expect(lines).toHaveLength(4);
  expect(changes).toEqual([['api-key-1', 'b']]);
});

it('looks by itself until it is ended', async () => {
  const keys = await read();
  await mount([{ name: 'b', key: 'sk-b' }]);
  let end = (): void => undefined;
  await new Promise((onChange) => (end = keys.follow({ ...listener, onChange })));
  end();
  expect(keys.current.find('sk-b')).toMatchObject({ name: 'b' });
});

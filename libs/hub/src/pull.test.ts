import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cutOnce, digestsOf, HUB_MODEL, HubServer, NEEDED_FILES, OTHER_FILES, pulledDigests, pullOptions } from '@ringmesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pullCheckpoint } from './pull.js';
import { checkpointDirOf } from './pull-options.js';
import { isPulled } from './pull-record.js';

const NEEDED_BYTES = Object.values(NEEDED_FILES).reduce((sum, content) => sum + content.length, 0);
const FIRST = 'model-00001-of-00002.safetensors';
const SECOND = 'model-00002-of-00002.safetensors';

const NEEDED_DIGESTS = digestsOf(NEEDED_FILES);

let hub: HubServer;
let dir: string;

beforeEach(async () => {
  hub = await HubServer.start(HUB_MODEL, { ...OTHER_FILES, ...NEEDED_FILES });
  dir = mkdtempSync(join(tmpdir(), 'ringmesh-pull-'));
});

afterEach(async () => {
  await hub.close();
  rmSync(dir, { recursive: true });
});

/** What every hub must do. */
describe.each(['huggingface', 'modelscope'] as const)('a pull from %s', (source) => {
  it('loads what serving needs, byte for byte, and nothing else', async () => {
    const folder = join(dir, 'deep', 'folder');
    const pulled = await pullCheckpoint({ ...pullOptions(hub, folder), source });
    expect(pulledDigests(folder)).toEqual(NEEDED_DIGESTS);
    expect(pulled).toEqual({ totalBytes: NEEDED_BYTES, receivedBytes: NEEDED_BYTES, unverified: [] });
    expect(await isPulled(folder)).toBe(true);
  });

  it('loads nothing again and changes nothing when all is there', async () => {
    await pullCheckpoint({ ...pullOptions(hub, dir), source });
    const times = () => readdirSync(dir).map((name) => [name, statSync(join(dir, name)).mtimeMs]);
    const before = times();
    hub.requests.length = 0;
    expect((await pullCheckpoint({ ...pullOptions(hub, dir), source })).receivedBytes).toBe(0);
    expect(hub.requests.every(({ what }) => what === 'list')).toBe(true);
    expect(times()).toEqual(before);
  });

  it('shows the token to the hub and to nobody else', async () => {
    hub.token = 'hf_secret';
    await pullCheckpoint({ ...pullOptions(hub, dir), source, token: 'hf_secret' });
    const atCdn = hub.requests.filter(({ host }) => host === 'cdn');
    expect(atCdn.map(({ what }) => what).sort()).toEqual([FIRST, SECOND]);
    for (const { headers, url } of atCdn) expect(JSON.stringify([headers, url])).not.toContain('hf_secret');
  });

  it('goes on where a connection was cut, and the bytes are the same', async () => {
    hub.intercept = cutOnce(FIRST);
    const options = pullOptions(hub, dir);
    await pullCheckpoint({ ...options, source });
    expect(pulledDigests(dir)).toEqual(NEEDED_DIGESTS);
    const [, again] = hub.downloads(FIRST);
    expect(again!.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(options.waits).toEqual([500]);
    expect(options.messages[0]).toMatch(/^model-00001-of-00002.safetensors of inclusionAI\/Ring-nano .*trying again in 0.5 s$/);
  });
});

describe('a pull', () => {
  it('tells its progress, from nothing to everything', async () => {
    const seen: number[][] = [];
    await pullCheckpoint({ ...pullOptions(hub, dir), onProgress: ({ done, received }) => seen.push([done, received]) });
    expect(seen[0]).toEqual([0, 0]);
    expect(seen.at(-1)).toEqual([NEEDED_BYTES, NEEDED_BYTES]);
    const done = seen.map(([bytes]) => bytes!);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
  });

  it('shows no token to another origin that the list links', async () => {
    const mirror = await HubServer.start(HUB_MODEL, NEEDED_FILES);
    hub.intercept = ({ what, url }, response) => {
      if (what === 'list') response.writeHead(200, { link: `<${mirror.endpoint}${url}>; rel="next"` }).end('[]');
      return what === 'list';
    };
    await pullCheckpoint({ ...pullOptions(hub, dir), token: 'hf_secret' });
    await mirror.close();
    expect(hub.requests[0]!.headers.authorization).toBe('Bearer hf_secret');
    expect(mirror.requests.length).toBeGreaterThan(0);
    expect(JSON.stringify(mirror.requests)).not.toContain('hf_secret');
  });

  it('loads a file that is listed twice once', async () => {
    hub.entries.push(...hub.entries);
    await pullCheckpoint(pullOptions(hub, dir));
    expect(hub.downloads(FIRST)).toHaveLength(1);
    expect(pulledDigests(dir)).toEqual(NEEDED_DIGESTS);
  });

  it('keeps files that are there and right, and replaces those that are not', async () => {
    writeFileSync(join(dir, 'tokenizer.json'), NEEDED_FILES['tokenizer.json']!);
    writeFileSync(join(dir, 'config.json'), Buffer.alloc(NEEDED_FILES['config.json']!.length));
    await pullCheckpoint(pullOptions(hub, dir));
    expect(pulledDigests(dir)).toEqual(NEEDED_DIGESTS);
    expect(hub.downloads('tokenizer.json')).toEqual([]);
    expect(hub.downloads('config.json')).toHaveLength(1);
  });

  it('follows a revision that moved: loads what changed and removes what is gone', async () => {
    const before = await HubServer.start(HUB_MODEL, { ...NEEDED_FILES, 'vocab.json': new Uint8Array(2), [FIRST]: new Uint8Array(10) });
    await pullCheckpoint(pullOptions(before, dir));
    await before.close();
    const mine = new Uint8Array([1, 2, 3]);
    writeFileSync(join(dir, 'notes.txt'), mine);
    await pullCheckpoint(pullOptions(hub, dir));
    expect(pulledDigests(dir)).toEqual({ ...NEEDED_DIGESTS, ...digestsOf({ 'notes.txt': mine }) });
    expect(new Set(hub.requests.map(({ what }) => what))).toEqual(new Set(['list', FIRST]));
  });

  it('is not complete while a file is missing', async () => {
    expect(await isPulled(dir)).toBe(false);
    await pullCheckpoint(pullOptions(hub, dir));
    rmSync(join(dir, 'config.json'));
    expect(await isPulled(dir)).toBe(false);
    await pullCheckpoint(pullOptions(hub, dir));
    expect(await isPulled(dir)).toBe(true);
    expect(pulledDigests(dir)).toEqual(NEEDED_DIGESTS);
  });

  it('says which files the hub has no checksum of, and never puts those together from two answers', async () => {
    hub.entry(SECOND).sha256 = '';
    hub.intercept = cutOnce(SECOND);
    const { unverified } = await pullCheckpoint({ ...pullOptions(hub, dir), source: 'modelscope' });
    expect(unverified).toEqual([SECOND]);
    expect(pulledDigests(dir)).toEqual(NEEDED_DIGESTS);
    expect(hub.downloads(SECOND).map(({ headers }) => headers.range)).toEqual([undefined, undefined]);
  });

  it('loads as many files at once as it may, and no more', async () => {
    const waiting: (() => void)[] = [];
    let left = Object.keys(NEEDED_FILES).length;
    const together: number[] = [];
    hub.intercept = ({ what, host }, response, content) => {
      if (what === null || what === 'list' || (host === 'hub' && hub.entry(what).blob === null)) return false;
      waiting.push(() => response.writeHead(200, { 'content-length': content.length }).end(content));
      // Answers nobody before as many wait as may, so with fewer at once the pull would not end.
      if (waiting.length < Math.min(3, left)) return true;
      together.push(waiting.length);
      left -= waiting.length;
      for (const answer of waiting.splice(0)) answer();
      return true;
    };
    await pullCheckpoint({ ...pullOptions(hub, dir), concurrency: 3 });
    expect(together).toEqual([3, 3, 1]);
    expect(pulledDigests(dir)).toEqual(NEEDED_DIGESTS);
  });

  it('has a folder for each hub, revision and model', () => {
    expect(checkpointDirOf('/cache', { source: 'huggingface', model: HUB_MODEL })).toBe(
      '/cache/checkpoints/huggingface/main/inclusionAI/Ring-nano',
    );
    expect(checkpointDirOf('/cache', { source: 'modelscope', model: HUB_MODEL, revision: 'refs/pr/1' })).toBe(
      '/cache/checkpoints/modelscope/refs%2Fpr%2F1/inclusionAI/Ring-nano',
    );
    expect(() => checkpointDirOf('/cache', { source: 'huggingface', model: HUB_MODEL, revision: '..' })).toThrow('--revision');
  });
});

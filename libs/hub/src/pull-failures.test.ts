import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  cutOnce,
  digestsOf,
  HUB_MODEL,
  HubServer,
  type Intercept,
  NEEDED_FILES,
  OTHER_FILES,
  pulledDigests,
  pullOptions,
} from '@ringmesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pullCheckpoint } from './pull.js';
import { isPulled } from './pull-record.js';

const FIRST = 'model-00001-of-00002.safetensors';

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

/** Answers the first requests for a file in turn like this, then as ever. */
function answers(path: string, ...replies: Intercept[]): Intercept {
  return (request, response, content) => request.what === path && (replies.shift()?.(request, response, content) ?? false);
}

const status =
  (code: number, headers: Record<string, string> = {}): Intercept =>
  (_, response) => {
    response.writeHead(code, headers).end();
    return true;
  };

async function expectWhole(): Promise<void> {
  expect(pulledDigests(dir)).toEqual(NEEDED_DIGESTS);
  expect(await isPulled(dir)).toBe(true);
}

describe('a pull ends', () => {
  const failure = (options: Partial<Parameters<typeof pullCheckpoint>[0]> = {}) =>
    pullCheckpoint({ ...pullOptions(hub, dir), ...options }).then(
      () => Promise.reject(new Error('it succeeded')),
      (error: unknown) => error as Error & { code: string },
    );

  it('after six attempts that brought nothing', async () => {
    hub.intercept = ({ what }, response) => what === FIRST && (response.destroy(), true);
    const options = pullOptions(hub, dir);
    const { code, message } = await failure(options);
    expect([code, message]).toEqual(['hub_unavailable', expect.stringMatching(/^model-00001.*gave up after 6 attempts$/)]);
    expect(options.waits).toEqual([500, 1000, 2000, 4000, 8000]);
  });

  it('when a server that ignores ranges is cut at the same place every time', async () => {
    hub.ranges = false;
    hub.intercept = (request, response, content) => cutOnce(FIRST)(request, response, content);
    expect((await failure()).code).toBe('hub_unavailable');
  });

  it('when the hub asks for more patience than anyone has', async () => {
    hub.intercept = answers('list', status(429, { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }));
    expect((await failure()).message).toMatch(/asks to wait \d+ minutes; pull again later$/);
  });

  it('when the caller ends it, and what was loaded stays', async () => {
    const stop = new AbortController();
    hub.intercept = ({ what, host }, response, content) => {
      if (what !== FIRST || host !== 'cdn') return false;
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100_000));
      return true;
    };
    const onProgress = ({ received }: { received: number }) => received >= 350_000 && stop.abort(new Error('enough'));
    expect((await failure({ signal: stop.signal, onProgress })).message).toBe('enough');
    expect(readFileSync(join(dir, `${FIRST}.partial`)).length).toBe(100_000);
    expect(await isPulled(dir)).toBe(false);
  });

  it('with the name of a file whose checksum is wrong, and deletes it', async () => {
    hub.entry(FIRST).sha256 = '0'.repeat(64);
    const { code, message } = await failure();
    expect(code).toBe('checkpoint_corrupt');
    expect(message).toMatch(
      /^model-00001-of-00002.safetensors has sha256 [0-9a-f]{64}, but the hub lists 0{64}; it was deleted; pull again$/,
    );
    expect(readdirSync(dir)).not.toContain(FIRST);
    expect(readdirSync(dir)).not.toContain(`${FIRST}.partial`);
    expect(hub.downloads(FIRST)).toHaveLength(1);
  });

  it("with the name of a small file that is not git's", async () => {
    hub.entry('config.json').blob = '1'.repeat(40);
    expect((await failure()).message).toMatch(/^config.json has git-blob [0-9a-f]{40}/);
  });

  it.each([-1, 1])('where a file has %i bytes more than listed', async (more) => {
    hub.entry(FIRST).size -= more;
    expect(await failure()).toMatchObject({
      code: 'checkpoint_corrupt',
      message: `${FIRST} has 300000 bytes, but the hub lists ${300_000 - more}; pull again`,
    });
  });

  it('where an answer without a length does not end', async () => {
    hub.intercept = ({ what, host }, response, content) => {
      if (what !== FIRST || host !== 'cdn') return false;
      const more = (): void => void response.write(content, () => setImmediate(more));
      more();
      return true;
    };
    expect((await failure()).message).toMatch(/has more than the 300000 bytes that the hub lists/);
  });

  it.each([
    ['huggingface', undefined, /: HTTP 401; if the name is right the model is private or gated: set HF_TOKEN to a token of an account/],
    ['huggingface', 'hf_wrong', /: HTTP 401; .*check that the token in HF_TOKEN is valid/],
    ['modelscope', undefined, /set MODELSCOPE_API_TOKEN to a token/],
  ] as const)('where %s refuses the token %s, which it does not show', async (source, token, expected) => {
    hub.token = 'hf_right';
    const { code, message } = await failure({ source, token });
    expect([code, message]).toEqual(['hub_access_denied', expect.stringMatching(expected)]);
    expect(message).not.toContain('hf_wrong');
  });

  it('where a host behind a redirect refuses, without blaming the token', async () => {
    hub.intercept = ({ host }, response, content) => host === 'cdn' && status(403)({} as never, response, content);
    expect(await failure({ token: 'hf_right' })).toMatchObject({
      code: 'hub_unavailable',
      message: expect.stringMatching(/HTTP 403$/) as string,
    });
  });

  it.each([
    ['a model', { model: 'inclusionAI/Ring-huge' }, 'no model inclusionAI/Ring-huge with a revision main'],
    ['a revision', { revision: 'v2' }, 'no model inclusionAI/Ring-nano with a revision v2'],
    [
      'a revision of ModelScope',
      { revision: 'v2', source: 'modelscope' },
      'with a revision v2; a private model needs MODELSCOPE_API_TOKEN',
    ],
  ] as const)('where there is no such thing as %s', async (_, options, expected) => {
    expect(await failure(options)).toMatchObject({ code: 'checkpoint_missing', message: expect.stringContaining(expected) as string });
  });

  it.each(['../evil.safetensors', '/etc/evil.safetensors', 'a/../../evil.safetensors', 'a\\..\\evil.safetensors', 'evil\n.safetensors'])(
    'where the list names %j',
    async (path) => {
      hub.entry('README.md').path = path;
      for (const source of ['huggingface', 'modelscope'] as const) {
        const { code, message } = await failure({ source });
        expect([code, message]).toEqual(['hub_unavailable', expect.stringMatching(/it must be a relative path inside the repository$/)]);
      }
    },
  );

  it.each([
    [
      'only pickled weights',
      (path: string) => !path.endsWith('.safetensors'),
      /no .safetensors weights, only pytorch_model.bin, which can hold code/,
    ],
    ['no weights', (path: string) => path.endsWith('.json'), /no .safetensors weights; is it a model/],
    ['no configuration', (path: string) => path !== 'config.json', /no config.json/],
  ])('where the repository has %s', async (_, keep, expected) => {
    hub.entries.splice(0, hub.entries.length, ...hub.entries.filter(({ path }) => keep(path)));
    expect(await failure()).toMatchObject({ code: 'checkpoint_missing', message: expect.stringMatching(expected) as string });
  });

  it('where a small file is huge', async () => {
    hub.entry('tokenizer.json').size = 10 ** 10;
    expect((await failure()).message).toMatch(/^tokenizer.json of .* has 10000000000 bytes; at most \d+ are accepted$/);
  });

  it('where the endpoint is no hub', async () => {
    hub.intercept = (_, response) => {
      response.end('<html>Sign in to the guest network</html>');
      return true;
    };
    expect(await failure()).toMatchObject({
      code: 'hub_unavailable',
      message: expect.stringContaining('something else than JSON') as string,
    });
  });

  it.each([
    ['the next one each time', (url: URL) => url.searchParams.set('cursor', String(Number(url.searchParams.get('cursor') ?? 0) + 1))],
    ['itself', () => undefined],
  ])('where the list has no end, as each page links %s', async (_, turn) => {
    hub.intercept = ({ what, url }, response) => {
      if (what !== 'list') return false;
      const next = new URL(url, hub.endpoint);
      turn(next);
      response.writeHead(200, { link: `<${next.href}>; rel="next"` }).end('[]');
      return true;
    };
    expect(await failure()).toMatchObject({ code: 'hub_unavailable', message: expect.stringContaining('too many files') as string });
    expect(hub.requests.length).toBeLessThanOrEqual(100);
  });

  it('where ModelScope says 200 and means something else', async () => {
    hub.intercept = (_, response) => {
      response.end(JSON.stringify({ Code: 10010205001, Success: false, Message: 'record not found' }));
      return true;
    };
    expect((await failure({ source: 'modelscope' })).message).toBe(
      `ModelScope's list: Code is 10010205001; it must be 200 ("record not found")`,
    );
  });

  it('before it loads anything where the disk has too little room', async () => {
    hub.entry(FIRST).size = 10 ** 12;
    const { code, message } = await failure();
    expect([code, message]).toEqual(['disk_full', expect.stringMatching(/needs 1.0 TB, but only [\d.]+ \w+ are free/)]);
    expect(hub.requests.every(({ what }) => what === 'list')).toBe(true);
  });

  it('where the disk runs full, says how much is to be written, and what was loaded stays', async () => {
    symlinkSync('/dev/full', join(dir, `${FIRST}.partial`));
    const { code, message } = await failure({ concurrency: 1 });
    expect([code, message]).toEqual([
      'disk_full',
      expect.stringMatching(/is full: 550.\d kB are still to be written, .* make room and pull again$/),
    ]);
    expect(readdirSync(dir)).toContain('config.json');
    rmSync(join(dir, `${FIRST}.partial`));
    await pullCheckpoint(pullOptions(hub, dir));
    await expectWhole();
  });

  it('where another pull is at work in the folder, and leaves it in peace', async () => {
    let second: Promise<{ code: string }> | undefined;
    hub.intercept = ({ what }) => {
      if (what === FIRST) second ??= failure();
      return false;
    };
    await pullCheckpoint(pullOptions(hub, dir));
    expect(await second).toMatchObject({ code: 'pull_in_progress' });
    await expectWhole();
  });

  it('where the folder cannot be written', async () => {
    writeFileSync(join(dir, 'file'), '');
    const { code, message } = await failure({ dir: join(dir, 'file', 'folder') });
    expect([code, message]).toEqual([
      'invalid_option',
      expect.stringMatching(/file\/folder cannot be written \(ENOTDIR.*--to or RINGMESH_CACHE$/),
    ]);
  });

  it('where the folder holds another model', async () => {
    await pullCheckpoint(pullOptions(hub, dir));
    const other = await HubServer.start('inclusionAI/Ling-nano', NEEDED_FILES);
    const { code, message } = await failure({ endpoint: other.endpoint, model: 'inclusionAI/Ling-nano' });
    await other.close();
    expect([code, message]).toEqual(['invalid_option', expect.stringContaining('holds inclusionAI/Ring-nano')]);
    await expectWhole();
  });

  it('where the record of the folder is damaged, which it names', async () => {
    await pullCheckpoint(pullOptions(hub, dir));
    writeFileSync(join(dir, '.ringmesh-pull.json'), '{"source":');
    expect(await failure()).toMatchObject({
      code: 'checkpoint_corrupt',
      message: expect.stringMatching(/\.ringmesh-pull\.json is damaged .*; delete it and pull again$/) as string,
    });
  });

  it.each([
    ['model', { model: '../Ring-nano' }],
    ['model', { model: 'a/b/c' }],
    ['--revision', { revision: '../main' }],
    ['--endpoint', { endpoint: 'ftp://huggingface.co' }],
    ['--endpoint', { endpoint: 'http://user:password@huggingface.co' }],
    ['--endpoint', { endpoint: 'http://huggingface.co', token: 'hf_secret' }],
    ['HF_TOKEN', { token: 'hf_secret\n' }],
  ])('where %s is bad: %j', async (field, options) => {
    const error = await failure(options);
    expect(error).toMatchObject({ code: 'invalid_option', field });
    expect(error.message).not.toMatch(/secret|password/);
    expect(hub.requests).toEqual([]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

describe('a pull goes on', () => {
  it('with a server that ignores ranges, from the start of the file', async () => {
    hub.ranges = false;
    hub.intercept = cutOnce(FIRST);
    await pullCheckpoint(pullOptions(hub, dir));
    expect(hub.downloads(FIRST)[1]!.headers.range).toBeDefined();
    await expectWhole();
  });

  it('with a server that answers another range, from the start of the file', async () => {
    let asked = 0;
    const cut = cutOnce(FIRST);
    hub.intercept = (request, response, content) => {
      if (cut(request, response, content)) return true;
      if (request.headers.range === undefined || asked++ > 0) return false;
      response.writeHead(206, { 'content-range': `bytes 10-${content.length - 1}/${content.length}` }).end(content.subarray(10));
      return true;
    };
    await pullCheckpoint(pullOptions(hub, dir));
    expect(asked).toBe(1);
    await expectWhole();
  });

  it('when nothing comes on a connection any more', async () => {
    let stalls = 0;
    hub.intercept = ({ what, host }, response, content) => {
      if (what !== FIRST || host !== 'cdn' || stalls++ > 0) return false;
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100_000));
      return true;
    };
    const options = pullOptions(hub, dir);
    await pullCheckpoint({ ...options, stallMs: 200 });
    expect(options.messages).toContainEqual(expect.stringMatching(/^model-00001.*nothing came for 0.2 s/));
    await expectWhole();
  });

  it('for as long as it takes, on a connection on which something comes now and then', async () => {
    const stallMs = 1000;
    hub.intercept = ({ what, host }, response, content) => {
      if (what !== FIRST || host !== 'cdn') return false;
      response.writeHead(200, { 'content-length': content.length });
      let sent = 0;
      const pace = setInterval(() => {
        response.write(content.subarray(sent, (sent += content.length / 10)));
        if (sent === content.length) clearInterval(pace);
      }, stallMs / 8);
      return true;
    };
    const options = pullOptions(hub, dir);
    await pullCheckpoint({ ...options, stallMs });
    expect(options.messages).toEqual([]);
    await expectWhole();
  });

  it('after 429 and 503, and waits as long as it is told', async () => {
    hub.intercept = answers('config.json', status(429, { 'retry-after': '7' }), status(503));
    const options = pullOptions(hub, dir);
    await pullCheckpoint(options);
    expect(options.waits).toEqual([7500, 1000]);
    await expectWhole();
  });

  it('with what an earlier run left behind', async () => {
    writeFileSync(join(dir, `${FIRST}.partial`), NEEDED_FILES[FIRST]!.subarray(0, 123_456));
    const { totalBytes, receivedBytes } = await pullCheckpoint(pullOptions(hub, dir));
    expect(totalBytes - receivedBytes).toBe(123_456);
    expect(hub.downloads(FIRST).map(({ headers }) => headers.range)).toEqual(['bytes=123456-']);
    await expectWhole();
  });

  it.each([
    ['another file', new Uint8Array(1000)],
    ['a longer one', new Uint8Array(400_000)],
    ['one of the same length', new Uint8Array(300_000)],
  ])('when what lies there is of %s: it is loaded as a whole', async (_, left) => {
    writeFileSync(join(dir, `${FIRST}.partial`), left);
    await pullCheckpoint(pullOptions(hub, dir));
    expect(hub.downloads(FIRST).at(-1)!.headers.range).toBeUndefined();
    await expectWhole();
  });

  it('however often it is cut, as long as something comes each time', async () => {
    const chunk = 20_000;
    hub.intercept = ({ what, host, headers }, response, content) => {
      if (what !== FIRST || host !== 'cdn') return false;
      const start = Number(/\d+/.exec(headers.range ?? '0')![0]);
      response.writeHead(206, {
        'content-length': content.length - start,
        'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
      });
      response.write(content.subarray(start, start + chunk), () => response.destroy());
      return true;
    };
    await pullCheckpoint(pullOptions(hub, dir));
    expect(hub.downloads(FIRST).length).toBeGreaterThan(10);
    await expectWhole();
  });
});

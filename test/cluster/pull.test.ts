import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  digestsOf,
  HUB_MODEL,
  HubServer,
  NEEDED_FILES,
  OTHER_FILES,
  pulledDigests,
  RingmeshProcess,
  SAMPLE_MODEL,
  until,
} from '@ringmesh/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';

/** `ringmesh pull`, and `serve` with the name of a model, as a user runs them, against a hub on this machine. */

const WEIGHTS = 'model-00001-of-00002.safetensors';

let cache: string;
const hubs: HubServer[] = [];
const started: RingmeshProcess[] = [];

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'ringmesh-cache-'));
});

afterEach(async () => {
  for (const process of started.splice(0)) await process.kill('SIGKILL');
  for (const hub of hubs.splice(0)) await hub.close();
  await rm(cache, { recursive: true });
});

async function startHub(model: string, files: Record<string, Uint8Array>): Promise<HubServer> {
  const hub = await HubServer.start(model, files);
  hubs.push(hub);
  return hub;
}

/** Without the proxy that this machine may need to reach others. */
function ringmesh(args: string[], environment: Record<string, string> = {}): RingmeshProcess {
  const process = new RingmeshProcess(args, { RINGMESH_CACHE: cache, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1', ...environment });
  started.push(process);
  return process;
}

const folder = (model: string): string => join(cache, 'checkpoints/huggingface/main', model);

it('a pull that was killed goes on where it was, and ends with the folder', async () => {
  const hub = await startHub(HUB_MODEL, { ...OTHER_FILES, ...NEEDED_FILES });
  hub.intercept = ({ what, host }, response, content) => {
    if (what !== WEIGHTS || host !== 'cdn') return false;
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, 100_000));
    return true;
  };
  const args = ['pull', HUB_MODEL, '--endpoint', hub.endpoint];
  const killed = ringmesh(args);
  const partial = join(folder(HUB_MODEL), `${WEIGHTS}.partial`);
  await until(
    () =>
      stat(partial).then(
        ({ size }) => size,
        () => 0,
      ),
    (size) => size === 100_000,
  );
  await killed.kill('SIGKILL');

  hub.intercept = () => false;
  const resumed = ringmesh(args);
  expect(await resumed.ended).toBe(0);
  expect(resumed.output).toContain(`pulled ${HUB_MODEL} (550.1 kB) into ${folder(HUB_MODEL)}\n`);
  expect(hub.downloads(WEIGHTS).map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=100000-']);
  expect(pulledDigests(folder(HUB_MODEL))).toEqual(digestsOf(NEEDED_FILES));
});

it('serve pulls a model by its name, and answers; the next time it needs no hub', async () => {
  const model = 'inclusionAI/ring-nano';
  const names = [
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'special_tokens_map.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ];
  const files = await Promise.all(names.map(async (name) => [name, await readFile(join(SAMPLE_MODEL, name))] as const));
  const hub = await startHub(model, Object.fromEntries(files));
  for (const isFirst of [true, false]) {
    const serve = ringmesh(['serve', '--model', model, '--endpoint', hub.endpoint, '--port', '0']);
    const url = await serve.line(/serves ring-nano at (http:\S+)\/v1/);
    for (const step of ['pulling inclusionAI/ring-nano from Hugging Face', 'packing']) expect(serve.output.includes(step)).toBe(isFirst);
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'ring-nano', temperature: 0, messages: [{ role: 'user', content: 'What is 47 + 85?' }] }),
    });
    const { choices } = (await response.json()) as { choices: [{ message: { content: string } }] };
    expect(choices[0].message.content).toMatch(/47 \+ 85 = 132$/);
    expect(await serve.kill('SIGINT')).toBe(0);
    hub.intercept = (_, answer) => {
      answer.writeHead(500).end();
      return true;
    };
  }
});

it('takes the token from the environment, and never shows it', async () => {
  const hub = await startHub(HUB_MODEL, NEEDED_FILES);
  hub.token = 'hf_right';
  const args = ['pull', HUB_MODEL, '--endpoint', hub.endpoint, '--to', join(cache, 'here')];
  const refused = ringmesh(args, { HF_TOKEN: 'hf_wrong' });
  expect(await refused.ended).toBe(1);
  expect(refused.output).toContain('error [hub_access_denied]: the list of files of inclusionAI/Ring-nano');
  expect(refused.output).toContain('HF_TOKEN');
  expect(refused.output).not.toMatch(/hf_wrong|^\s+at /m);
  expect(await ringmesh(args, { HF_TOKEN: 'hf_right\n' }).ended).toBe(0);
  expect(pulledDigests(join(cache, 'here'))).toEqual(digestsOf(NEEDED_FILES));
});

it('says what is wrong with a proxy, without the password in its address', async () => {
  const pull = ringmesh(['pull', HUB_MODEL], { HTTPS_PROXY: 'http//user:secret@proxy', https_proxy: 'http//user:secret@proxy' });
  expect(await pull.ended).toBe(2);
  expect(pull.output).toContain('error [invalid_option]: HTTPS_PROXY');
  expect(pull.output).not.toMatch(/secret|^\s+at /m);
});

it('goes through the proxy that the environment names', async () => {
  const hub = await startHub(HUB_MODEL, NEEDED_FILES);
  const tunnels: string[] = [];
  const proxy = createServer().listen(0, '127.0.0.1');
  proxy.on('connect', ({ url }, socket) => {
    tunnels.push(url!);
    const target = connect(Number(new URL(hub.endpoint).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
  });
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const proxyUrl = `http://127.0.0.1:${port}`;
  const pull = ringmesh(['pull', HUB_MODEL, '--endpoint', 'http://hub.invalid'], { HTTP_PROXY: proxyUrl, http_proxy: proxyUrl });
  await pull.ended;
  proxy.closeAllConnections();
  proxy.close();
  expect(tunnels).toContain('hub.invalid:80');
  expect(pull.output).toContain(`pulled ${HUB_MODEL}`);
});

import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packedModel, RingmeshProcess, SAMPLE_MODEL, startRouter, startWorker, until, untilReady } from '@ringmesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** What a user sees who starts something that cannot work: one line that names the cause and the fix, and an exit code. */

let folder: string;
const started: RingmeshProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringmesh-start-'));
});

afterEach(async () => {
  for (const process of started.splice(0)) await process.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** A copy of the sample model to damage. */
async function copiedModel(): Promise<string> {
  const model = join(folder, 'model');
  await cp(SAMPLE_MODEL, model, { recursive: true });
  return model;
}

async function expectFailure(args: string[], code: string, ...parts: string[]): Promise<void> {
  await expectFailureIn({}, args, code, ...parts);
}

/** @param environment variables besides our own */
async function expectFailureIn(environment: Record<string, string>, args: string[], code: string, ...parts: string[]): Promise<void> {
  const process = new RingmeshProcess(args, environment);
  started.push(process);
  const exitCode = await process.ended;
  expect(exitCode).toBeGreaterThan(0);
  expect(process.output).toContain(`error [${code}]`);
  for (const part of parts) expect(process.output).toContain(part);
  expect(process.output).not.toMatch(/^\s+at /m); // no stack
}

describe('a checkpoint that cannot be used', () => {
  it('a folder that is not there', () => expectFailure(['serve', '--model', join(folder, 'nowhere')], 'checkpoint_missing', 'nowhere'));

  it('a weight file that was cut short', async () => {
    const model = await copiedModel();
    await truncate(join(model, 'model.safetensors'), 100_000);
    await expectFailure(['serve', '--model', model], 'checkpoint_corrupt', 'model.safetensors');
  });

  it('a config that the weights contradict', async () => {
    const model = await copiedModel();
    const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8')) as Record<string, unknown>;
    await writeFile(join(model, 'config.json'), JSON.stringify({ ...config, moe_intermediate_size: 32 }));
    await expectFailure(['serve', '--model', model], 'checkpoint_mismatch', 'moe_intermediate_size');
  });

  it('an architecture that is not supported', async () => {
    const model = await copiedModel();
    await writeFile(join(model, 'config.json'), JSON.stringify({ model_type: 'llama' }));
    await expectFailure(['pack', model, join(folder, 'pack')], 'config_unsupported', 'model_type');
  });

  it('a pack whose folder is there already', () => expectFailure(['pack', SAMPLE_MODEL, folder], 'invalid_option', folder));
});

describe('options', () => {
  it.each([
    [['serve', '--model', SAMPLE_MODEL, '--workers', 'two'], '--workers'],
    [['serve', '--model', SAMPLE_MODEL, '--quantize', 'q5'], '--quantize'],
    [['serve', '--model', SAMPLE_MODEL, '--shards', '99'], '--shards'],
    [['pack', SAMPLE_MODEL, '/nowhere/pack', '--block-size', '32'], '--block-size'],
    [['pack', '--synthetic', 'ring-lite', SAMPLE_MODEL, '/nowhere/pack'], '--synthetic'],
    [['pack', SAMPLE_MODEL, '/nowhere/pack', '--layers', '2'], '--layers'],
    [['serve', '--model', SAMPLE_MODEL, '--workers', '0', '--max-num-seqs', '0'], '--max-num-seqs'],
    [['serve', '--model', SAMPLE_MODEL, '--workers', '0', '--kv-cache-memory', 'much'], '--kv-cache-memory'],
    [['serve', '--model', SAMPLE_MODEL, '--workers', '0', '--kv-cache-dtype', 'fp8'], '--kv-cache-dtype'],
    [['evaluate', '--kv-cache-dtype', 'fp8'], '--kv-cache-dtype'],
    [['router', '--pack', '/nowhere'], '/nowhere'],
    [['router', '--pack', '/nowhere', '--workers', 'local,here'], '--workers'],
    [['router', '--pack', '/nowhere', '--workers', 'local,a:1', '--local-shards', 'some'], '--local-shards'],
  ])('%j', (args, name) => expectFailure(args, name === '/nowhere' ? 'pack_invalid' : 'invalid_option', name));
});

it.each([
  ['--kv-cache-memory', 'much'],
  ['--port', '70000'],
  ['--max-num-seqs', '0'],
  ['--served-model-name', 'a b'],
  ['--log-level', 'loud'],
])('serve tells that %s %s is wrong before it packs anything', async (option, value) => {
  await expectFailure(['serve', '--model', await copiedModel(), option, value], 'invalid_option', option);
  expect(started.at(-1)!.output).not.toContain('packing');
});

it('the version is told where it is asked for', async () => {
  const process = new RingmeshProcess(['--version']);
  started.push(process);
  expect(await process.ended).toBe(0);
  expect(process.output).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it('shards that nobody could have', async () => {
  const pack = await packedModel(SAMPLE_MODEL);
  const router = (...args: string[]): string[] => ['router', '--pack', pack, '--port', '0', ...args];
  await expectFailure(router('--local-shards', '0-5'), 'invalid_option', '--local-shards', 'shard 6, 7');
  await expectFailure(router('--local-shards', '8', '--workers', '127.0.0.1:1'), 'invalid_option', 'there is no shard 8');
});

it('a context that the memory for keys and values does not hold is warned of, unless it is asked for', async () => {
  const pack = await packedModel(SAMPLE_MODEL);
  const start = (...args: string[]): RingmeshProcess => {
    const router = new RingmeshProcess(['router', '--pack', pack, '--port', '0', '--kv-cache-memory', '512KiB', ...args]);
    started.push(router);
    return router;
  };
  const tokens = await start().line(/"level":"warn".*one request may have (\d+) tokens, not the model's 1024.*--kv-cache-memory/);
  const asked = start('--max-model-len', tokens);
  await asked.line(/^ringmesh router listening/m);
  expect(asked.output).not.toContain('"warn"');
});

describe('the cache folder', () => {
  it.each([SAMPLE_MODEL, 'someone/some-model'])('that cannot be made is told by its variable: serve --model %s', async (model) => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const environment = { RINGMESH_CACHE: join(file, 'cache') };
    await expectFailureIn(environment, ['serve', '--model', model], 'invalid_option', 'set RINGMESH_CACHE', file, 'ENOTDIR');
  });

  it('may be left empty, as may REDIS_URL: that is as if it was not set', async () => {
    const pack = await packedModel(SAMPLE_MODEL);
    const environment = { RINGMESH_CACHE: '', XDG_CACHE_HOME: folder, REDIS_URL: '' };
    const router = new RingmeshProcess(['router', '--pack', pack, '--port', '0'], environment);
    started.push(router);
    await untilReady(await router.line(/^ringmesh router listening on (\S+)/m));
    expect(await readdir(join(folder, 'ringmesh'))).toEqual(['verified']);
  });
});

describe('addresses', () => {
  it('a port that is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    try {
      const pack = await packedModel(SAMPLE_MODEL);
      await expectFailure(['router', '--pack', pack, '--port', String(port)], 'listen_failed', '--port', String(port));
      await expectFailure(['worker', '--pack', pack, '--listen', `127.0.0.1:${port}`], 'listen_failed', '--listen', String(port));
    } finally {
      taken.close();
    }
  });

  it('a worker that is not there yet: the router says so, and goes on once it is', async () => {
    const pack = await packedModel(SAMPLE_MODEL);
    const placeholder = createServer();
    await new Promise<void>((resolve) => placeholder.listen(0, '127.0.0.1', resolve));
    const { port } = placeholder.address() as { port: number };
    await new Promise((resolve) => placeholder.close(resolve));

    const present = await startWorker(pack, [0, 1, 2, 3]);
    const router = await startRouter(pack, [present.address, `127.0.0.1:${port}`]);
    started.push(present.process, router.process);
    const ready = (): Promise<{ missing_shards: number[]; details: string[] }> =>
      fetch(`${router.address}/ready`).then((response) => response.json() as Promise<{ missing_shards: number[]; details: string[] }>);
    const { details } = await until(ready, ({ missing_shards }) => missing_shards.join() === '4,5,6,7');
    expect(details.join('\n')).toContain(`127.0.0.1:${port}`);
    const refused = await fetch(`${router.address}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'hello', max_tokens: 1 }),
    });
    expect(refused.status).toBe(503);
    expect(router.process.output).toContain(`127.0.0.1:${port}`);

    const late = await startWorker(pack, [4, 5, 6, 7], `127.0.0.1:${port}`);
    started.push(late.process);
    await untilReady(router.address);
  });
});

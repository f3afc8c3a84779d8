import { cp, mkdtemp, open, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packedModel, RingmeshProcess, SAMPLE_MODEL } from '@ringmesh/testing';
import { markVerified, readManifest, verifyPack } from '@ringmesh/weights';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** A pack that was damaged after this machine had verified it: whoever opens it names the file and the remedy, and ends. */

let folder: string;
let pack: string;
let running: RingmeshProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringmesh-broken-'));
  pack = join(folder, 'pack');
  await cp(await packedModel(SAMPLE_MODEL), pack, { recursive: true });
});

afterEach(async () => {
  await running?.kill('SIGKILL');
  running = undefined;
  await rm(folder, { recursive: true });
});

/** The file keeps its size and its time. */
async function flipByte(path: string): Promise<void> {
  const whole = join(pack, path);
  const { size, atime, mtime } = await stat(whole);
  const file = await open(whole, 'r+');
  const byte = Buffer.alloc(1);
  const position = Math.floor(size / 2);
  await file.read(byte, 0, 1, position);
  byte[0]! ^= 0x40;
  await file.write(byte, 0, 1, position);
  await file.close();
  await utimes(whole, atime, mtime);
}

/** Whether this machine would read any file of the pack to verify it. */
async function isVerified(): Promise<boolean> {
  let isRead = false;
  await verifyPack(pack, await readManifest(pack), { onStart: () => (isRead = true) });
  return !isRead;
}

async function expectNamed(args: string[], path: string): Promise<void> {
  running = new RingmeshProcess(args);
  expect(await running.ended).toBe(1);
  expect(running.output).toContain('error [pack_invalid]');
  expect(running.output).toMatch(new RegExp(`${join(pack, path)} has SHA-256 .*: its bytes changed; pack the checkpoint again`));
}

const serve = (): string[] => ['serve', '--model', pack, '--workers', '2', '--port', '0'];
const worker = (): string[] => ['worker', '--pack', pack, '--listen', '127.0.0.1:0'];
const router = (...args: string[]): string[] => ['router', '--pack', pack, '--port', '0', ...args];

describe('a flipped byte', () => {
  it.each<[what: string, path: string, readers: (() => string[])[]]>([
    ["a shard's data", 'shards/05/layer-002.bin', [serve, worker, router]],
    ["an expert's graph", 'shards/00/layer-001-expert-000.onnx', [serve, worker, router]],
    ["the router's data", 'router/head.bin', [serve, router, () => router('--workers', '127.0.0.1:1')]],
    ["a router's graph", 'router/layer-000-attention-in-0.onnx', [serve, router]],
    ['the tokenizer', 'tokenizer/tokenizer.json', [serve, router]],
  ])('in %s (%s)', async (_, path, readers) => {
    expect(await isVerified()).toBe(false);
    expect(await isVerified()).toBe(true);
    await flipByte(path);
    for (const reader of readers) await expectNamed(reader(), path);
  });

  it('that the file system knows nothing of is found with --verify', async () => {
    const path = 'shards/00/layer-001.bin';
    await flipByte(path);
    // As if the disk had changed the byte by itself, long after the pack was verified.
    await markVerified(pack, await readManifest(pack));
    expect(await isVerified()).toBe(true);
    for (const reader of [serve, worker, router]) await expectNamed([...reader(), '--verify'], path);
  });

  it('in a shard that is not opened keeps nobody from starting', async () => {
    await flipByte('shards/05/layer-002.bin');
    running = new RingmeshProcess([...worker(), '--shards', '0-4,6-7', '--verify']);
    expect(await running.line(/^ringmesh worker listening on (\S+)/m)).toContain('127.0.0.1');
    await running.kill('SIGKILL');
    running = new RingmeshProcess(router('--workers', '127.0.0.1:1', '--local-shards', '6', '--verify'));
    expect(await running.line(/^ringmesh router listening on (\S+)/m)).toContain('127.0.0.1');
  });
});

import { cp, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packedModel, RingmeshProcess, SAMPLE_MODEL } from '@ringmesh/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';

/** A pack that was damaged after it was written: `serve` names the file and ends, whichever process meets it. */

let folder: string;
let pack: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringmesh-broken-'));
  pack = join(folder, 'pack');
  await cp(await packedModel(SAMPLE_MODEL), pack, { recursive: true });
});

afterEach(() => rm(folder, { recursive: true }));

async function flipByte(path: string): Promise<void> {
  const file = await open(join(pack, path), 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, 5003);
  byte[0]! ^= 0x40;
  await file.write(byte, 0, 1, 5003);
  await file.close();
}

it.each(['shards/00/layer-001.bin', 'router/head.bin'])('a flipped byte in %s', async (path) => {
  await flipByte(path);
  const serve = new RingmeshProcess(['serve', '--model', pack, '--workers', '2', '--port', '0']);
  expect(await serve.ended).toBe(1);
  expect(serve.output).toContain('error [pack_invalid]');
  expect(serve.output).toContain(path);
});

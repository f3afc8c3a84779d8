import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RingmeshProcess, uniform, until } from '@ringmesh/testing';
import { readManifest, sha256Of, verifyPack } from '@ringmesh/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Many small parts, so that there are many moments to be killed at. */
const SHAPE = {
  model_type: 'bailing_moe',
  hidden_size: 64,
  num_hidden_layers: 12,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 512,
  num_experts: 16,
  num_experts_per_tok: 2,
  moe_intermediate_size: 32,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  max_position_embeddings: 128,
  eos_token_id: 0,
};
const NUM_UNITS = 4 + 12 * 9;

let folder: string;
let args: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringmesh-resume-'));
  await writeFile(join(folder, 'shape.json'), JSON.stringify(SHAPE));
  args = ['pack', '--synthetic', join(folder, 'shape.json'), '--quantize', 'q8', '--block-size', '32'];
});

afterAll(() => rm(folder, { recursive: true }));

/** Lines of the journal of a pack that is being made. */
async function journalLines(pack: string): Promise<number> {
  const path = join(`${pack}.partial`, 'journal.jsonl');
  return existsSync(path) ? (await readFile(path, 'utf8')).split('\n').length - 1 : 0;
}

async function hashesOf(pack: string): Promise<Record<string, string>> {
  const entries = await readdir(pack, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hashes: Record<string, string> = {};
  for (const path of paths.sort()) hashes[path.slice(pack.length)] = await sha256Of(path);
  return hashes;
}

/** Starts packing and kills the process once `numUnits` more of the pack's parts are finished. */
async function killAfter(pack: string, numUnits: number): Promise<void> {
  const before = await journalLines(pack);
  const packing = new RingmeshProcess([...args, pack]);
  await until(
    () => journalLines(pack),
    (lines) => lines >= before + numUnits,
  );
  expect(await packing.kill('SIGKILL')).toBe('SIGKILL');
}

describe('packing', () => {
  it.each([11, 12, 13])('killed three times at random moments gives the same bytes (seed %i)', async (seed) => {
    const whole = join(folder, 'whole');
    if (!existsSync(whole)) expect(await new RingmeshProcess([...args, '--threads', '1', whole]).ended).toBe(0);
    const pack = join(folder, `killed-${seed}`);
    const random = uniform(seed);
    for (let kill = 0; kill < 3; kill++) await killAfter(pack, 1 + Math.floor(((random() + 1) / 2) * (NUM_UNITS / 4)));
    const finished = (await journalLines(pack)) - 1;

    const resumed = new RingmeshProcess([...args, pack]);
    expect(await resumed.ended).toBe(0);
    expect(resumed.output).toContain('what was packed before');
    expect(finished).toBeGreaterThan(0);
    expect(await hashesOf(pack)).toEqual(await hashesOf(whole));
    expect(existsSync(`${pack}.partial`)).toBe(false);
    await verifyPack(pack, await readManifest(pack));
  });

  it('starts again when something else is to be packed', async () => {
    const pack = join(folder, 'changed');
    await killAfter(pack, 10);
    const other = new RingmeshProcess([...args, '--seed', '5', pack]);
    expect(await other.ended).toBe(0);
    expect(other.output).not.toContain('what was packed before');
    await verifyPack(pack, await readManifest(pack));
  });

  it('is refused while another process makes the same pack', async () => {
    const pack = join(folder, 'shared');
    const first = new RingmeshProcess([...args, pack]);
    await until(
      () => journalLines(pack),
      (lines) => lines > 0,
    );
    const second = new RingmeshProcess([...args, pack]);
    expect(await second.ended).toBe(1);
    expect(second.output).toContain('error [pack_in_progress]');
    expect(await first.ended).toBe(0);
  });
});

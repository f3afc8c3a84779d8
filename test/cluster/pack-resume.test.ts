import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RingmeshProcess, uniform, until } from '@ringmesh/testing';
import { readManifest, sha256Of, verifyPack } from '@ringmesh/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Many small parts and two large ones, so that a kill may come between two parts, or in the middle of one. */
const SHAPE = {
  model_type: 'bailing_moe',
  hidden_size: 64,
  num_hidden_layers: 12,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 100_000,
  num_experts: 16,
  num_experts_per_tok: 2,
  moe_intermediate_size: 32,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  max_position_embeddings: 128,
  eos_token_id: 0,
};
/** Two that stay, and one that was never tried; `PACK_SEED=… ` repeats one that failed. */
const SEEDS = process.env['PACK_SEED'] === undefined ? [11, 12, Date.now() % 2 ** 31] : [Number(process.env['PACK_SEED'])];

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

/** Bytes of a pack that is being made. Its folders and files may move away between two looks: then they are counted at the next. */
async function partialBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const sizes = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? partialBytes(path) : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Starts packing, waits until it is so far, and kills the process, which has not finished by then. */
async function killWhen(pack: string, isReached: () => Promise<boolean>): Promise<void> {
  const packing = new RingmeshProcess([...args, pack]);
  await until(isReached, (reached) => reached);
  expect(await packing.kill('SIGKILL')).toBe('SIGKILL');
  expect(existsSync(pack)).toBe(false);
}

describe('packing', () => {
  let whole: string;
  let wholeBytes: number;

  beforeAll(async () => {
    whole = join(folder, 'whole');
    expect(await new RingmeshProcess([...args, '--threads', '1', whole]).ended).toBe(0);
    wholeBytes = (await readManifest(whole)).files.reduce((sum, { bytes }) => sum + bytes, 0);
  });

  it.each(SEEDS)('killed three times at random moments gives the same bytes (PACK_SEED=%i)', async (seed) => {
    const pack = join(folder, `killed-${seed}`);
    const random = uniform(seed);
    const shares = Array.from({ length: 3 }, () => 0.85 * ((random() + 1) / 2)).sort((a, b) => a - b);
    for (const share of shares) await killWhen(pack, async () => (await partialBytes(`${pack}.partial`)) >= share * wholeBytes);
    const finished = (await journalLines(pack)) - 1;

    const resumed = new RingmeshProcess([...args, pack]);
    expect(await resumed.ended).toBe(0);
    const moments = `killed when ${shares.map((share) => `${Math.round(100 * share)} %`).join(', ')} were written`;
    expect(resumed.output.includes('what was packed before'), moments).toBe(finished > 0);
    expect(await hashesOf(pack), moments).toEqual(await hashesOf(whole));
    expect(existsSync(`${pack}.partial`)).toBe(false);
    await verifyPack(pack, await readManifest(pack), { again: true });
  });

  it('starts again when something else is to be packed', async () => {
    const pack = join(folder, 'changed');
    await killWhen(pack, async () => (await journalLines(pack)) > 10);
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

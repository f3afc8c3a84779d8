import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareOn, type Divergence, EvaluatedModel } from '@ringmesh/evaluation';
import { packedModel, RingmeshProcess, SAMPLE_MODEL } from '@ringmesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** `ringmesh evaluate` as a user runs it. */

interface Evaluation {
  model: string;
  tasks: number;
  results: { format: { method: string; blockSize?: number }; divergence: Divergence | null; right: number | null }[];
}

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringmesh-evaluate-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function run(...args: string[]): Promise<{ exitCode: number | NodeJS.Signals; output: string }> {
  const process = new RingmeshProcess(['evaluate', ...args]);
  const exitCode = await process.ended;
  return { exitCode, output: process.output };
}

/** The JSON that it prints among its progress. */
function parse(output: string): Evaluation {
  return JSON.parse(output.slice(output.indexOf('{\n'), output.lastIndexOf('\n}') + 2)) as Evaluation;
}

describe('ringmesh evaluate', () => {
  it('compares q8 and q4 with f32 over the questions of the sample model', async () => {
    const { exitCode, output } = await run('--samples', '6', '--json');
    expect(exitCode, output).toBe(0);
    const { model, tasks, results } = parse(output);
    expect([model, tasks]).toEqual(['ring-nano', 6]);
    expect(results.map(({ format }) => format)).toEqual([
      { method: 'f32' },
      { method: 'q8', blockSize: 128 },
      { method: 'q4', blockSize: 128 },
    ]);
    const [f32, q8, q4] = results;
    expect(f32!.divergence).toBeNull();
    expect(f32!.right).toBeGreaterThanOrEqual(5);
    for (const { right } of [q8!, q4!]) expect(right).toBeGreaterThanOrEqual(5);
    expect(q8!.divergence!.positions).toBeGreaterThan(6 * 50);
    expect(q8!.divergence!.klMean).toBeGreaterThan(0);
    expect(q8!.divergence!.klMean).toBeLessThan(0.02);
    expect(q4!.divergence!.klMean).toBeGreaterThan(q8!.divergence!.klMean);
    expect(q4!.divergence!.klMean).toBeLessThan(0.2);
    expect(q4!.divergence!.top1Agreement).toBeGreaterThan(0.85);
  });

  it('prints a table over a text, without tasks where there are none', async () => {
    const text = join(folder, 'text.txt');
    await writeFile(text, 'What is 47 + 85? The answer is 132.\n'.repeat(3));
    const { exitCode, output } = await run('--model', SAMPLE_MODEL, '--text', text, '--quantize', 'q8');
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/ring-nano against f32 over \d+ positions \(.*text\.txt\)/);
    expect(output).toMatch(/^format +KL mean +KL p99 +KL max +top-1 +exact match$/m);
    expect(output).toMatch(/^q8, blocks of 128 +0\.\d+ +\d\S+ +\d\S+ +\d+\.\d\d %$/m);
  });

  it.each<[string, string[], string]>([
    ['a format that is none', ['--quantize', 'q8,q5'], '--quantize'],
    ['a format twice', ['--quantize', 'q8,q8'], 'names a format twice'],
    ['blocks where there are none', ['--quantize', 'f16', '--block-size', '32'], '--block-size'],
    ['no sample at all', ['--samples', '0'], '--samples'],
    ['a text that is not there', ['--text', '/nowhere/text'], '--text'],
    ['tasks that are not there', ['--tasks', '/nowhere/tasks'], '--tasks'],
    ['a model without a text', ['--model', SAMPLE_MODEL], 'give --text FILE, --tasks FILE or both'],
    ['samples of no tasks', ['--model', SAMPLE_MODEL, '--text', 'README.md', '--samples', '3'], 'give --tasks FILE'],
  ])('refuses %s', async (_, args, why) => {
    const { exitCode, output } = await run(...args);
    expect(exitCode).toBe(2);
    expect(output).toContain('error [invalid_option]');
    expect(output).toContain(why);
    expect(output).not.toMatch(/^\s+at /m); // no stack
  });

  it('refuses a pack, which has one format only', async () => {
    const { exitCode, output } = await run('--model', await packedModel(SAMPLE_MODEL), '--text', 'README.md');
    expect(exitCode).toBe(2);
    expect(output).toContain('give the checkpoint that it was made of');
  });
});

it('a model is no different from itself, whatever else runs beside it', async () => {
  const packDir = await packedModel(SAMPLE_MODEL);
  const models = [await EvaluatedModel.open(packDir), await EvaluatedModel.open(packDir)] as const;
  try {
    const ids = models[0].tokenizer.encode('What is 47 + 85? '.repeat(40));
    const [divergence] = await compareOn([ids, ids.slice(0, 3)], models[0], [models[1]], () => undefined);
    expect(divergence).toEqual({ positions: ids.length + 3, klMean: 0, klP99: 0, klMax: 0, top1Agreement: 1 });
  } finally {
    for (const model of models) await model.close();
  }
});

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const CPU_INFO = '/proc/cpuinfo';
const hasWideVectors = process.arch === 'x64' && existsSync(CPU_INFO) && readFileSync(CPU_INFO, 'utf8').includes(' avx2');

// V8 leaves vectors as they are without a word where one instruction stands in its way.
it.runIf(hasWideVectors)('puts the vectors of the int8 kernels together, all of them', async () => {
  const code = `
    const { KEY_VALUE_FORMATS } = await import(process.argv[1]);
    KEY_VALUE_FORMATS.int8.openDecode(128, { memories: [], blocksPerMemory: 1 });`;
  const formats = new URL('../../dist/softmax/key-value-format.js', import.meta.url);
  const args = ['--trace-wasm-revectorize', '--input-type=module', '-e', code, formats.href];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  // For each tree of instructions: how many it saves.
  const saved = [...stdout.matchAll(/DecideVectorize \d+: Save: (\d+), cost: (\d+)/g)].map(([, save, cost]) => Number(save) - Number(cost));
  const large = saved.filter((count) => count > 10);
  expect(large, 'scores, exponentials and outputs').toHaveLength(3);
});

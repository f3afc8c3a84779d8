import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigInvalidError } from '@ringmesh/core';
import { expect, it } from 'vitest';
import { parseGenerationDefaults, readGenerationDefaults } from './generation-defaults.js';

it('reads the defaults of a golden', async () => {
  expect(await readGenerationDefaults(join(import.meta.dirname, '../../../test/fixtures/goldens/ring-tiny'))).toEqual({
    temperature: 0.6,
    topP: 0.95,
    topK: 20,
    repetitionPenalty: 1.05,
    doSample: true,
    eosTokenIds: [495],
  });
});

it('has no defaults where the file is missing, and says where it is malformed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ringmesh-generation-'));
  expect(await readGenerationDefaults(dir)).toEqual({});
  await writeFile(join(dir, 'generation_config.json'), '{');
  await expect(readGenerationDefaults(dir)).rejects.toThrow(ConfigInvalidError);
  await rm(dir, { recursive: true });
});

it('takes null for absent and -1 as every token', () => {
  expect(parseGenerationDefaults({ temperature: null, top_k: -1 })).toEqual({ topK: 0 });
});

it.each([
  ['temperature', -1],
  ['top_p', 0],
  ['top_p', 1.1],
  ['top_k', 1.5],
  ['min_p', 2],
  ['repetition_penalty', 0],
  ['do_sample', 'yes'],
  ['eos_token_id', 'end'],
])('rejects %s = %j', (field, value) => {
  expect(() => parseGenerationDefaults({ [field]: value })).toThrow(`generation_config.json: ${field} is ${JSON.stringify(value)}`);
});

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointMissingError, ConfigInvalidError, JsonFields, readJsonFile } from '@ringmesh/core';
import type { GenerationDefaults } from './model-config.js';
import { readTokenIds } from './token-ids.js';

const MAX_GENERATION_CONFIG_BYTES = 1024 * 1024;
const MAX_TOKEN_ID = 2 ** 24;

const GENERATION_CONFIG_NAMES = {
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  repetitionPenalty: 'repetition_penalty',
  doSample: 'do_sample',
  eosTokenIds: 'eos_token_id',
} as const;

/** Reads sampling defaults under our names, which the source of `fields` may translate. Absent fields stay absent. */
export function readGenerationFields(fields: JsonFields): GenerationDefaults {
  const read: { [K in keyof GenerationDefaults]-?: (key: string) => NonNullable<GenerationDefaults[K]> } = {
    temperature: (key) => fields.number(key, 0, 100),
    topP: (key) => fields.number(key, 1e-6, 1),
    topK: (key) => Math.max(0, fields.integer(key, -1, MAX_TOKEN_ID)), // -1 is another spelling of 0 = all,
    minP: (key) => fields.number(key, 0, 1),
    repetitionPenalty: (key) => fields.number(key, 1e-3, 100),
    doSample: (key) => fields.boolean(key),
    eosTokenIds: (key) => readTokenIds(fields, key, MAX_TOKEN_ID),
  };
  const present = Object.entries(read).filter(([key]) => fields.has(key));
  return Object.fromEntries(present.map(([key, readField]) => [key, readField(key)]));
}

/** Validates a parsed generation_config.json. @throws ConfigInvalidError for a field out of range */
export function parseGenerationDefaults(json: unknown): GenerationDefaults {
  return readGenerationFields(
    JsonFields.of(json, { file: 'generation_config.json', ErrorClass: ConfigInvalidError, names: GENERATION_CONFIG_NAMES }),
  );
}

/** Reads `generation_config.json` of a checkpoint folder; a checkpoint without one has no defaults. */
export async function readGenerationDefaults(dir: string): Promise<GenerationDefaults> {
  const path = join(dir, 'generation_config.json');
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (!exists) return {};
  const errors = { Missing: CheckpointMissingError, Invalid: ConfigInvalidError };
  return parseGenerationDefaults(await readJsonFile(path, MAX_GENERATION_CONFIG_BYTES, errors));
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonFields } from '@ringmesh/core';
import { readTokenizerFile, SPECIAL_TOKENS_MAP_JSON, TOKENIZER_CONFIG_JSON } from './tokenizer-files.js';

const NAMES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'] as const;
const MAX_LENGTH = 1000;

/** The texts of special tokens by their role: `eos_token`, …; roles that the model does not use are absent. */
export type SpecialTokens = Partial<Record<(typeof NAMES)[number], string>>;

/**
 * The special tokens that tokenizer_config.json names, and where it says nothing, special_tokens_map.json (which newer checkpoints lack).
 * @throws TokenizerInvalidError where a file is malformed
 */
export async function readSpecialTokens(dir: string): Promise<SpecialTokens> {
  const config = await readTokenizerFile(dir, TOKENIZER_CONFIG_JSON);
  const hasMap = existsSync(join(dir, SPECIAL_TOKENS_MAP_JSON));
  const map = hasMap ? namedTokens(await readTokenizerFile(dir, SPECIAL_TOKENS_MAP_JSON)) : {};
  return { ...map, ...namedTokens(config) };
}

function namedTokens(fields: JsonFields): SpecialTokens {
  return Object.fromEntries(NAMES.filter((name) => fields.has(name)).map((name) => [name, tokenText(fields, name)]));
}

/** A token is written as its text or as `{"content": text, …}`. */
function tokenText(fields: JsonFields, name: string): string {
  return typeof fields.value(name) === 'string' ? fields.string(name, MAX_LENGTH) : fields.object(name).string('content', MAX_LENGTH);
}

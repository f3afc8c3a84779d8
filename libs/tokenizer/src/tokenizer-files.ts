import { join } from 'node:path';
import { JsonFields, readJsonFile, readLimitedFile, TokenizerInvalidError } from '@ringmesh/core';

export const TOKENIZER_JSON = 'tokenizer.json';
export const TOKENIZER_CONFIG_JSON = 'tokenizer_config.json';
export const SPECIAL_TOKENS_MAP_JSON = 'special_tokens_map.json';
export const CHAT_TEMPLATE_JINJA = 'chat_template.jinja';

/** Ids, and ranks of merges, are below this. */
export const MAX_TOKENS = 2 ** 21;

const MAX_FILE_BYTES = 64 * 2 ** 20;
const ERRORS = { Missing: TokenizerInvalidError, Invalid: TokenizerInvalidError };

/** A JSON file of a tokenizer, at most 64 MiB. @throws TokenizerInvalidError naming the file */
export async function readTokenizerFile(dir: string, file: string): Promise<JsonFields> {
  return JsonFields.of(await readJsonFile(join(dir, file), MAX_FILE_BYTES, ERRORS), { file, ErrorClass: TokenizerInvalidError });
}

/** A text file of a tokenizer. @throws TokenizerInvalidError naming the file */
export async function readTextFile(dir: string, file: string, maxBytes: number): Promise<string> {
  return new TextDecoder().decode(await readLimitedFile(join(dir, file), maxBytes, ERRORS));
}

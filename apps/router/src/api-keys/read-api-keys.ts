import { InvalidOptionError } from '@ringmesh/core';
import type { RouterOptions } from '../options.js';
import { API_KEY_PATTERN, API_KEY_RULE, ApiKeys, hashOf } from './api-keys.js';
import { readApiKeysFile } from './api-keys-file.js';

const MAX_API_KEYS = 64;

/** The keys of the command line. @throws InvalidOptionError, which does not repeat a key */
export function parseApiKeys(keys: string[] = []): string[] {
  if (keys.length > MAX_API_KEYS) throw new InvalidOptionError(`--api-key: at most ${MAX_API_KEYS} are allowed`, { field: '--api-key' });
  if (!keys.every((key) => API_KEY_PATTERN.test(key))) {
    throw new InvalidOptionError(`--api-key: this is no key: ${API_KEY_RULE}`, { field: '--api-key' });
  }
  return keys;
}

/**
 * The keys of the command line, which have no limits, and those of the file.
 * @throws InvalidOptionError for a file that cannot be used, and for keys that are given twice
 */
export async function readApiKeys({ apiKeys, apiKeysFile }: Pick<RouterOptions, 'apiKeys' | 'apiKeysFile'>): Promise<ApiKeys> {
  const given = apiKeys.map((key, index) => ({ name: `api-key-${index + 1}`, sha256: hashOf(key), limits: {} }));
  const listed = apiKeysFile === undefined ? [] : await readApiKeysFile(apiKeysFile);
  return new ApiKeys([...given, ...listed]);
}

import { InvalidOptionError, readLimitedFile } from '@ringmesh/core';
import { z } from 'zod';
import type { ApiKey } from './api-key.js';
import { API_KEY_PATTERN, API_KEY_RULE, hashOf } from './api-keys.js';

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_KEYS = 1024;
const OPTION = '--api-keys-file';

const limit = (max: number): z.ZodOptional<z.ZodInt> => z.int().min(1).max(max).optional();

const fields = {
  name: z.string().regex(/^[\w.@-]{1,64}$/, { error: 'Expected 1 to 64 letters, digits and . @ _ -' }),
  key: z.string().regex(API_KEY_PATTERN, { error: API_KEY_RULE }).optional(),
  keySha256: z
    .string()
    .regex(/^[\da-f]{64}$/i, { error: 'Expected 64 hexadecimal digits' })
    .optional(),
  maxNumSeqs: limit(65_536),
  maxQueuedRequests: limit(1_000_000),
  requestsPerMinute: limit(1_000_000),
  tokensPerMinute: limit(1_000_000_000),
};

const entrySchema = z
  .strictObject(fields, {
    error: ({ code }) => (code === 'unrecognized_keys' ? `Unknown field: only ${Object.keys(fields).join(', ')} are known` : undefined),
  })
  .refine(({ key, keySha256 }) => (key === undefined) !== (keySha256 === undefined), { error: 'Expected either "key" or "keySha256"' });

const fileSchema = z.array(entrySchema).min(1).max(MAX_KEYS);

/**
 * Reads a file of keys. Nothing of what stands in it is repeated in an error, for it may be a key.
 * @throws InvalidOptionError naming the entry and the field
 */
export async function readApiKeysFile(path: string): Promise<ApiKey[]> {
  const bytes = await readLimitedFile(path, MAX_FILE_BYTES, { Missing: InvalidOptionError, Invalid: InvalidOptionError });
  const { data, error } = fileSchema.safeParse(parseJson(path, bytes));
  if (error !== undefined) {
    const { path: at, message } = error.issues[0]!;
    throw invalid(`${path}: ${at.length === 0 ? 'the list of keys' : at.join('.')}: ${message}`);
  }
  return data.map(({ name, key, keySha256, ...limits }) => ({
    name,
    sha256: key === undefined ? Buffer.from(keySha256!, 'hex') : hashOf(key),
    limits,
  }));
}

/** JSON.parse quotes the text around a mistake. */
function parseJson(path: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as unknown;
  } catch {
    throw invalid(`${path} is not valid JSON; "jq . ${path}" shows where (this message must not, for it may be a key)`);
  }
}

function invalid(problem: string): InvalidOptionError {
  return new InvalidOptionError(`${OPTION}: ${problem}`, { field: OPTION });
}

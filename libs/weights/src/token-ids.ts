import type { JsonFields } from '@ringmesh/core';

const MAX_TOKEN_IDS = 64;

/** One token id or a list of them, as `eos_token_id` may be. */
export function readTokenIds(fields: JsonFields, key: string, maxId: number): number[] {
  if (!Array.isArray(fields.value(key))) return [fields.integer(key, 0, maxId)];
  const ids = fields.integers(key, 0, maxId, MAX_TOKEN_IDS);
  if (ids.length === 0) fields.fail(key, 'must name at least one token');
  return ids;
}

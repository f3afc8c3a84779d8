import { createHash, timingSafeEqual } from 'node:crypto';
import { InvalidOptionError } from '@ringmesh/core';
import type { ApiKey } from './api-key.js';

/** What a header can carry. */
export const API_KEY_PATTERN = /^[\x21-\x7e]{1,512}$/;
export const API_KEY_RULE = 'Expected 1 to 512 visible ASCII characters';

/** The keys that open the API; without any it is open to all. */
export class ApiKeys {
  /** @throws InvalidOptionError where two have the same name, or are the same key */
  constructor(readonly list: readonly ApiKey[]) {
    const names = new Map<string, ApiKey>();
    const hashes = new Map<string, ApiKey>();
    for (const key of list) {
      const hash = Buffer.from(key.sha256).toString('hex');
      const same = hashes.get(hash);
      if (same !== undefined) throw invalid(`${key.name} and ${same.name} are the same key: remove one of them`);
      if (names.has(key.name)) throw invalid(`two keys are named ${key.name}: give each a name of its own`);
      hashes.set(hash, key);
      names.set(key.name, key);
    }
  }

  get areRequired(): boolean {
    return this.list.length > 0;
  }

  /** All keys are compared in full, so that the time it takes tells nothing. */
  find(presented: string): ApiKey | null {
    const sha256 = hashOf(presented);
    let found: ApiKey | null = null;
    for (const key of this.list) {
      if (timingSafeEqual(key.sha256, sha256)) found = key;
    }
    return found;
  }
}

/** @returns [32] */
export function hashOf(key: string): Uint8Array {
  return createHash('sha256').update(key).digest();
}

function invalid(problem: string): InvalidOptionError {
  return new InvalidOptionError(`--api-key, --api-keys-file: ${problem}`, { field: '--api-key' });
}

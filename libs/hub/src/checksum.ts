import { createHash, type Hash } from 'node:crypto';

/** What a hub says about a file's content: the SHA-256 of its bytes, or for a file that git itself stores, the id of its blob. */
export interface Checksum {
  algorithm: 'sha256' | 'git-blob';
  /** Lower-case hexadecimal digits. */
  hex: string;
}

const DIGITS = { sha256: /^[0-9a-f]{64}$/, 'git-blob': /^[0-9a-f]{40}$/ };

/** @returns null where `hex` is no such checksum */
export function checksumOf(algorithm: Checksum['algorithm'], hex: unknown): Checksum | null {
  const digits = typeof hex === 'string' ? hex.toLowerCase() : '';
  return DIGITS[algorithm].test(digits) ? { algorithm, hex: digits } : null;
}

/** A hash to feed with the bytes of a file of `size` bytes; git's blob id is the SHA-1 of a header and the content (gitformat-blob). */
export function startHash(algorithm: Checksum['algorithm'], size: number): Hash {
  return algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

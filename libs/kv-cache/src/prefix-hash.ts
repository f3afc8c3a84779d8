import { createHash } from 'node:crypto';
import { BLOCK_TOKENS } from './cache-layout.js';

/**
 * Names the full blocks of a sequence by all tokens up to their end: a chain of SHA-256, so that two sequences have a name in common just where they
 * begin with the same tokens, and the same salt.
 */
export class PrefixHash {
  /** Of the blocks that are full. */
  private hash: Buffer;
  private readonly rest: number[] = [];

  constructor(salt: string) {
    this.hash = createHash('sha256').update(salt).digest();
  }

  /** Takes the next tokens. @returns the names of the blocks that they fill */
  push(tokenIds: ArrayLike<number>): string[] {
    const names: string[] = [];
    for (let i = 0; i < tokenIds.length; i++) {
      this.rest.push(tokenIds[i]!);
      if (this.rest.length < BLOCK_TOKENS) continue;
      this.hash = createHash('sha256').update(this.hash).update(Int32Array.from(this.rest)).digest();
      this.rest.length = 0;
      names.push(this.hash.toString('base64'));
    }
    return names;
  }
}

import { createCipheriv, createHash } from 'node:crypto';

const BLOCK_BYTES = 16;

/**
 * Random 32-bit words that depend on seed, name and position only: AES-128 in counter mode (NIST SP 800-38A), which makes gigabytes a second
 * and starts anywhere.
 */
export function randomWords(seed: number, name: string, firstWord: number, numWords: number): Int32Array {
  const key = createHash('sha256').update(`${seed} ${name}`).digest().subarray(0, BLOCK_BYTES);
  const firstByte = firstWord * 4;
  const counter = Buffer.alloc(BLOCK_BYTES);
  counter.writeBigUInt64BE(BigInt(Math.floor(firstByte / BLOCK_BYTES)), BLOCK_BYTES - 8);
  const skip = firstByte % BLOCK_BYTES;
  const bytes = createCipheriv('aes-128-ctr', key, counter).update(new Uint8Array(skip + numWords * 4));
  return new Int32Array(bytes.buffer, bytes.byteOffset + skip, numWords);
}

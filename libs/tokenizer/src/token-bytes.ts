import { bytesOfToken } from './byte-level.js';

const NO_BYTES = new Uint8Array(0);

/** The bytes of every token, end to end in one buffer: 126 thousand arrays would cost ten times the memory. */
export class TokenBytes {
  private readonly bytes: Uint8Array;
  /** Token `id` has bytes `starts[id]` to `starts[id + 1]`. */
  private readonly starts: Int32Array; // [vocabSize + 1]

  /** @param tokens [vocabSize] by id; ids without a token are undefined */
  constructor(tokens: readonly (string | undefined)[]) {
    const perToken = Array.from(tokens, (token) => (token === undefined ? NO_BYTES : bytesOfToken(token)));
    this.starts = new Int32Array(tokens.length + 1);
    for (const [id, { length }] of perToken.entries()) this.starts[id + 1] = this.starts[id]! + length;
    this.bytes = new Uint8Array(this.starts[tokens.length]!);
    for (const [id, bytes] of perToken.entries()) this.bytes.set(bytes, this.starts[id]);
  }

  /** A view, not to be written to; empty where `id` has no token. */
  of(id: number): Uint8Array {
    const start = this.starts[id];
    const end = this.starts[id + 1];
    return start === undefined || end === undefined ? NO_BYTES : this.bytes.subarray(start, end);
  }

  /** The bytes of several tokens, end to end. */
  concat(ids: readonly number[]): Uint8Array {
    const parts = ids.map((id) => this.of(id));
    const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const part of parts) {
      result.set(part, offset);
      offset += part.length;
    }
    return result;
  }
}

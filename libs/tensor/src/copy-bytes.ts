/** Small enough for the processor's first cache. */
const CHUNK_BYTES = 8192;
const WORD_BYTES = 8;

const chunk = new Uint8Array(CHUNK_BYTES);

/**
 * `target.set(source)`, as fast where one of them is shared memory and the other lies at any offset. V8 copies to and from shared memory word
 * by word where both are aligned alike, and else byte by byte, at a fifth of the speed: such a copy goes through memory that is aligned.
 */
export function copyBytes(source: Uint8Array, target: Uint8Array): void {
  const isShared = source.buffer instanceof SharedArrayBuffer || target.buffer instanceof SharedArrayBuffer;
  if (!isShared || (source.byteOffset - target.byteOffset) % WORD_BYTES === 0) {
    target.set(source);
    return;
  }
  const shared = source.buffer instanceof SharedArrayBuffer ? source : target;
  const shift = shared.byteOffset % WORD_BYTES;
  for (let start = 0; start < source.length; start += CHUNK_BYTES - WORD_BYTES) {
    const end = Math.min(start + CHUNK_BYTES - WORD_BYTES, source.length);
    const between = chunk.subarray(shift, shift + end - start);
    between.set(source.subarray(start, end));
    target.set(between, start);
  }
}

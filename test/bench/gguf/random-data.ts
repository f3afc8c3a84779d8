import { createCipheriv, createHash } from 'node:crypto';
import { Q4_0_BLOCK } from './gguf-file.ts';

/** Tensors are made in pieces of about this size. */
const PIECE_BYTES = 8 * 2 ** 20;

/** An endless stream of random bytes, the same for the same name. */
function randomStream(name: string): (length: number) => Buffer {
  const key = createHash('sha256').update(name).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  return (length) => cipher.update(new Uint8Array(length));
}

/** Uniform codes with scales of random sign, so that weights [N, K] have mean 0 and variance 1/K. */
export function* randomQ40(name: string, numWeights: number, columns: number): Generator<Uint8Array> {
  const random = randomStream(name);
  const meanSquareCode = (4 ** 4 + 2) / 12; // of the codes −8 … 7
  const [scaleLow, scaleHigh] = new Uint8Array(Float16Array.of(1 / Math.sqrt(columns * meanSquareCode)).buffer) as unknown as [
    number,
    number,
  ];
  const numBlocks = numWeights / Q4_0_BLOCK.weights;
  const blocksPerPiece = Math.floor(PIECE_BYTES / Q4_0_BLOCK.bytes);
  for (let done = 0; done < numBlocks; done += blocksPerPiece) {
    const piece = random(Math.min(blocksPerPiece, numBlocks - done) * Q4_0_BLOCK.bytes);
    for (let block = 0; block < piece.length; block += Q4_0_BLOCK.bytes) {
      piece[block] = scaleLow;
      piece[block + 1] = scaleHigh | (piece[block + 1]! & 0x80);
    }
    yield piece;
  }
}

/** Uniform weights of variance 1/K. */
export function* randomF32(name: string, numWeights: number, columns: number): Generator<Uint8Array> {
  const words = new Int32Array(new Uint8Array(randomStream(name)(numWeights * 4)).buffer);
  yield new Uint8Array(Float32Array.from(words, (word) => (word / 2 ** 31) * Math.sqrt(3 / columns)).buffer);
}

export function* onesF32(length: number): Generator<Uint8Array> {
  yield new Uint8Array(new Float32Array(length).fill(1).buffer);
}

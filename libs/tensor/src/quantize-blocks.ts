import { CheckpointCorruptError } from '@ringmesh/core';
import { fitBlock } from './fit-block.js';

/** Bits of one quantized weight. */
export type Bits = 4 | 8;

/**
 * A matrix as com.microsoft MatMulNBits takes it, symmetric: weight = (code − 2^(bits−1)) × scale, with one scale for each `blockSize`
 * weights along K. B = ceil(K / blockSize). Source: ONNX Runtime, docs/ContribOperators.md.
 */
export interface QuantizedBlocks {
  /** Codes; with 4 bits, the even column lies in the low half of its byte. */
  quantized: Uint8Array; // [N, B, blockSize × bits / 8]
  scales: Float32Array; // [N × B]
}

/**
 * Quantizes rows of a matrix, each by itself: a matrix may come in pieces of any number of rows. Where K is no multiple of `blockSize`, the
 * last block is padded with the code of zero.
 * @param weights [N, K]
 * @throws CheckpointCorruptError where a weight is NaN or infinite
 */
export function quantizeBlocks(weights: Float32Array, numRows: number, numColumns: number, bits: Bits, blockSize: number): QuantizedBlocks {
  if (weights.length !== numRows * numColumns) {
    throw new RangeError(`[${numRows}, ${numColumns}] takes ${numRows * numColumns} weights, not ${weights.length}`);
  }
  const numBlocks = blocksOf(numColumns, blockSize);
  const blockBytes = (blockSize * bits) / 8;
  const quantized = new Uint8Array(numRows * numBlocks * blockBytes); // [N, B, blockBytes]
  const scales = new Float32Array(numRows * numBlocks); // [N × B]
  const codes = new Int8Array(blockSize);
  for (let block = 0; block < scales.length; block++) {
    const row = Math.floor(block / numBlocks);
    const start = row * numColumns + (block % numBlocks) * blockSize;
    const end = Math.min(start + blockSize, (row + 1) * numColumns);
    const scale = fitBlock(weights, start, end, bits, codes.fill(0));
    if (!Number.isFinite(scale)) throw new CheckpointCorruptError(`a weight in row ${row} is NaN or infinite; fetch the checkpoint again`);
    scales[block] = scale;
    packCodes(codes, bits, quantized, block * blockBytes);
  }
  return { quantized, scales };
}

/** The inverse of {@link quantizeBlocks}, up to rounding. @returns [N, K] */
export function dequantizeBlocks(
  { quantized, scales }: QuantizedBlocks,
  numRows: number,
  numColumns: number,
  bits: Bits,
  blockSize: number,
): Float32Array {
  const numBlocks = blocksOf(numColumns, blockSize);
  const zeroPoint = 2 ** (bits - 1);
  const weights = new Float32Array(numRows * numColumns); // [N, K]
  for (let row = 0; row < numRows; row++) {
    for (let column = 0; column < numColumns; column++) {
      const position = row * numBlocks * blockSize + column;
      const code = bits === 8 ? quantized[position]! : (quantized[position >>> 1]! >>> (4 * (column % 2))) & 15;
      weights[row * numColumns + column] = (code - zeroPoint) * scales[Math.floor(position / blockSize)]!;
    }
  }
  return weights;
}

function blocksOf(numColumns: number, blockSize: number): number {
  if (!(blockSize >= 16 && Number.isInteger(Math.log2(blockSize)))) {
    throw new RangeError(`block size ${blockSize} must be a power of two from 16 on`);
  }
  return Math.ceil(numColumns / blockSize);
}

/** Signed codes become unsigned by adding the zero point. */
function packCodes(codes: Int8Array, bits: Bits, quantized: Uint8Array, offset: number): void {
  if (bits === 8) {
    for (let i = 0; i < codes.length; i++) quantized[offset + i] = codes[i]! + 128;
  } else {
    for (let i = 0; i < codes.length; i += 2) quantized[offset + (i >>> 1)] = (codes[i]! + 8) | ((codes[i + 1]! + 8) << 4);
  }
}

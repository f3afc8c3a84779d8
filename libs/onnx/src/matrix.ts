import { type Bits, quantizeBlocks, type QuantizedBlocks } from '@ringmesh/tensor';
import type { ElementType } from './graph-builder.js';

/** A matrix to be written into a pack, read in pieces: [N, K], row n makes output feature n. */
export interface Matrix {
  /** N */
  rows: number;
  /** K */
  columns: number;
  /** @returns [numRows, K], which the caller may change */
  read: (firstRow: number, numRows: number) => Promise<Float32Array>;
  /** The same rows as blocks, from a source that makes them by itself; null where it does not make such blocks. */
  readBlocks?: (firstRow: number, numRows: number, bits: Bits, blockSize: number) => QuantizedBlocks | null;
}

/** A matrix in the checkpoint's own number format, read in pieces as bytes. */
export interface Table {
  rows: number;
  columns: number;
  type: ElementType;
  bytesPerRow: number;
  read: (firstRow: number, numRows: number) => Promise<Uint8Array>;
}

/** Rows of one matrix that are read at once. */
export interface Piece {
  matrix: Matrix;
  /** In `matrix`. */
  firstRow: number;
  numRows: number;
  /** In the stack of all matrices. */
  stackedRow: number;
}

/** Pieces take about this much as float32, whatever the matrix's size: it bounds the memory of packing. */
const PIECE_BYTES = 16 * 2 ** 20;

/** Cuts matrices that are stacked one above another into pieces. */
export function* piecesOf(matrices: readonly Matrix[]): Generator<Piece> {
  let above = 0;
  for (const matrix of matrices) {
    for (const { firstRow, numRows } of rangesOf(matrix.rows, matrix.columns * 4)) {
      yield { matrix, firstRow, numRows, stackedRow: above + firstRow };
    }
    above += matrix.rows;
  }
}

/** Ranges of rows that take about as much as a piece. */
export function* rangesOf(rows: number, bytesPerRow: number): Generator<{ firstRow: number; numRows: number }> {
  const step = Math.max(1, Math.floor(PIECE_BYTES / bytesPerRow));
  for (let firstRow = 0; firstRow < rows; firstRow += step) yield { firstRow, numRows: Math.min(step, rows - firstRow) };
}

/** @throws CheckpointCorruptError where a weight is NaN or infinite */
export async function readBlocks({ matrix, firstRow, numRows }: Piece, bits: Bits, blockSize: number): Promise<QuantizedBlocks> {
  const made = matrix.readBlocks?.(firstRow, numRows, bits, blockSize);
  return made ?? quantizeBlocks(await matrix.read(firstRow, numRows), numRows, matrix.columns, bits, blockSize);
}

/** `count` rows of a matrix from `first` on, as a matrix by themselves. */
export function rowsOf(matrix: Matrix, first: number, count: number): Matrix {
  const { readBlocks: blocks } = matrix;
  return {
    rows: count,
    columns: matrix.columns,
    read: (firstRow, numRows) => matrix.read(first + firstRow, numRows),
    ...(blocks === undefined ? {} : { readBlocks: (firstRow, ...rest) => blocks(first + firstRow, ...rest) }),
  };
}

/** `count` columns of a matrix from `first` on, as a matrix by themselves: it reads whole rows. */
export function columnsOf(matrix: Matrix, first: number, count: number): Matrix {
  return {
    rows: matrix.rows,
    columns: count,
    async read(firstRow, numRows) {
      const whole = await matrix.read(firstRow, numRows); // [numRows, K]
      const part = new Float32Array(numRows * count); // [numRows, count]
      for (let row = 0; row < numRows; row++) {
        const start = row * matrix.columns + first;
        part.set(whole.subarray(start, start + count), row * count);
      }
      return part;
    },
  };
}

import { WASM_PAGE_BYTES } from '@ringmesh/kernels';

/** Buckets of a nat: powers of two, by which floats are multiplied exactly. */
export const STEPS_PER_NAT = 64;
/** Beyond this many nats below the best token one has no weight: e^-60 is far below the resolution of a 53-bit random number. */
export const RANGE_NATS = 60;
/** Buckets within the range; one more takes all other tokens. */
export const NUM_STEPS = RANGE_NATS * STEPS_PER_NAT;

/** Tokens whose bits are in one word; rows are padded to a multiple of it. */
export const WORD_TOKENS = 32;
export const VECTOR_BYTES = 16;

/** Where the kernels find things in their memory: byte addresses. */
export interface LogitsLayout {
  /** The largest logit, four times. */
  largest: number; // [4]
  /** NaN in one of them where a logit is NaN or infinite. */
  taint: number; // [4]
  /** What exponentials add up to, as doubles. */
  sums: number; // [2]
  row: number; // [padded V]
  rowBytes: number;
  /** The set of tokens that are allowed. */
  bits: number; // [padded V / 32]
  bitsBytes: number;
  /** Four times how many tokens were gathered, and these. */
  gatheredBytes: number; // [1]
  tokenIds: number; // [≤ padded V]
  logits: number; // [≤ padded V]
  /** How many tokens a bucket has, and their mass as a double. */
  counts: number; // [buckets]
  masses: number; // [buckets]
  pages: number;
}

export function logitsLayout(vocabSize: number): LogitsLayout {
  const numWords = Math.ceil(vocabSize / WORD_TOKENS);
  const [rowBytes, bitsBytes] = [numWords * WORD_TOKENS * 4, numWords * 4];
  const row = 64;
  const tokenIds = row + rowBytes;
  // What is gathered is written before it is known whether it counts: one place more.
  const logits = tokenIds + rowBytes + VECTOR_BYTES;
  const bits = logits + rowBytes + VECTOR_BYTES;
  const masses = align(bits + bitsBytes);
  const counts = masses + (NUM_STEPS + 1) * 8;
  const pages = Math.ceil((counts + (NUM_STEPS + 1) * 4) / WASM_PAGE_BYTES);
  return { largest: 0, taint: 16, sums: 32, gatheredBytes: 48, row, rowBytes, tokenIds, logits, bits, bitsBytes, counts, masses, pages };
}

function align(address: number): number {
  return Math.ceil(address / VECTOR_BYTES) * VECTOR_BYTES;
}

/**
 * Ids of spans as threads pass them on: 32-bit words, because text would be made for each of them, whoever reads it or not. Texts are W3C
 * Trace Context's (https://www.w3.org/TR/trace-context/).
 */

/** Words of a trace id, 4, and of the id of a span in it, 2. */
export const TRACE_WORDS = 6;

/** Ids of spans that one thread makes: the first half is the thread's, the second counts. Unique within a trace, which is all they must be. */
export class SpanIds {
  /** The first half of all of them. */
  readonly high: number;
  private low: number;

  /** @param random 0…1 */
  constructor(random: () => number) {
    this.high = wordOf(random()) || 1; // an id that is all zero is none
    this.low = wordOf(random());
  }

  /** @returns the second half of a new id */
  next(): number {
    this.low = (this.low + 1) >>> 0;
    return this.low;
  }
}

/** 16 hexadecimal digits. */
export function spanIdText(high: number, low: number): string {
  return hex(high) + hex(low);
}

/** @param traceId 32 hexadecimal digits @param words [≥ 4] where its words are written */
export function writeTraceId(traceId: string, words: Uint32Array): void {
  for (let index = 0; index < 4; index++) words[index] = Number.parseInt(traceId.slice(8 * index, 8 * index + 8), 16);
}

/** The `traceparent` of a sampled span, or nothing where all words are zero. @param words [6] */
export function traceparentText(words: Uint32Array): string {
  if (words.every((word) => word === 0)) return '';
  const digits = Array.from(words, hex).join('');
  return `00-${digits.slice(0, 32)}-${digits.slice(32)}-01`;
}

function wordOf(random: number): number {
  return Math.floor(random * 2 ** 32);
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}

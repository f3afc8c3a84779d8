import type { CodePoints } from './code-points.js';

/** Ranges of bytes, one after the other: the texts that take a byte of each. */
export type ByteSequence = readonly (readonly [low: number, high: number])[];

/** How characters are written as bytes. */
export type Encoding = (set: CodePoints) => ByteSequence[];

/** The last code points of one, two, three and four bytes. */
const LAST_OF_LENGTH = [0x7f, 0x7ff, 0xffff, 0x10ffff];

export function utf8Sequences(set: CodePoints): ByteSequence[] {
  return set.flatMap(([low, high]) => {
    return LAST_OF_LENGTH.flatMap((last, index) => {
      const from = Math.max(low, index === 0 ? 0 : LAST_OF_LENGTH[index - 1]! + 1);
      const to = Math.min(high, last);
      return from <= to ? split(from, to, index) : [];
    });
  });
}

/** @param numFollowing bytes after the first, 0 to 3, which both ends have */
function split(low: number, high: number, numFollowing: number): ByteSequence[] {
  for (let bits = 6; bits <= 6 * numFollowing; bits += 6) {
    const mask = (1 << bits) - 1;
    if (low >> bits === high >> bits) continue;
    // The last bytes of all sequences of one piece must run over their whole range.
    if ((low & mask) !== 0) return [...split(low, low | mask, numFollowing), ...split((low | mask) + 1, high, numFollowing)];
    if ((high & mask) !== mask) return [...split(low, (high & ~mask) - 1, numFollowing), ...split(high & ~mask, high, numFollowing)];
  }
  const [first, last] = [encode(low, numFollowing), encode(high, numFollowing)];
  return [first.map((byte, index) => [byte, last[index]!] as const)];
}

function encode(point: number, numFollowing: number): number[] {
  if (numFollowing === 0) return [point];
  const following = Array.from({ length: numFollowing }, (_, index) => 0x80 | ((point >> (6 * (numFollowing - 1 - index))) & 0x3f));
  const lead = (0xff00 >> (numFollowing + 1)) & 0xff; // 110…, 1110…, 11110…
  return [lead | (point >> (6 * numFollowing)), ...following];
}

const BACKSLASH = [0x5c, 0x5c] as const;
const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x22, '"'],
  [0x5c, '\\'],
]);

/**
 * Characters as they are written within a JSON string: escaped where they must be, as JSON.stringify does. Control characters that have no
 * short escape are left out: an automaton with all their digits would be ten times as large.
 */
export function jsonStringSequences(set: CodePoints): ByteSequence[] {
  const escaped: ByteSequence[] = [];
  const plain: [number, number][] = [];
  for (const [low, high] of set) {
    let from = low;
    for (let point = low; point <= Math.min(high, 0x5c); point++) {
      const mustEscape = point < 0x20 || point === 0x22 || point === 0x5c;
      if (!mustEscape) continue;
      const letter = SHORT_ESCAPES.get(point);
      if (letter !== undefined) escaped.push([BACKSLASH, [letter.charCodeAt(0), letter.charCodeAt(0)]]);
      if (from < point) plain.push([from, point - 1]);
      from = point + 1;
    }
    if (from <= high) plain.push([from, high]);
  }
  return [...escaped, ...utf8Sequences(plain)];
}

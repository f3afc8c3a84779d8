import { type CodePoints, codePoints, complement, DIGITS, PLAIN_SPACE, SPACE, WORD } from './code-points.js';
import type { Cursor } from './cursor.js';

const CLASSES: Readonly<Record<string, CodePoints>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
};
/** `\s` and `\S`: what all readers take for a blank, and for none; where it is negated, what any of them does. */
const SPACES = { s: PLAIN_SPACE, S: complement(SPACE) };
const NEGATED_SPACES = { s: SPACE, S: complement(PLAIN_SPACE) };
const CONTROLS: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, '0': 0 };

/** What follows a `[`, its `]` included. */
export function parseClass(cursor: Cursor): CodePoints {
  const isNegated = cursor.take('^');
  if (isNegated) cursor.isNegated = !cursor.isNegated;
  const ranges: (readonly [number, number])[] = [];
  while (!cursor.take(']')) {
    const low = parseMember(cursor);
    const isRange = cursor.peek() === '-' && cursor.match(/-(?!\])/y) !== undefined;
    if (!isRange) {
      ranges.push(...low);
      continue;
    }
    const high = parseMember(cursor);
    const [from, to] = [single(low), single(high)];
    if (from === undefined || to === undefined) cursor.fail('has a range between classes');
    if (from > to) cursor.fail('has a range that ends before it begins');
    ranges.push([from, to]);
  }
  if (isNegated) cursor.isNegated = !cursor.isNegated;
  const set = codePoints(...ranges);
  const members = isNegated ? complement(set) : set;
  return members.length === 0 ? cursor.fail('has a class without members') : members;
}

function parseMember(cursor: Cursor): CodePoints {
  if (cursor.atEnd) cursor.fail('has a "[" without "]"');
  if (cursor.take('\\')) return parseEscape(cursor, true);
  const point = cursor.next().codePointAt(0)!;
  return codePoints([point, point]);
}

/** What follows a `\`. */
export function parseEscape(cursor: Cursor, inClass: boolean): CodePoints {
  const pair = cursor.match(/u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})/iy);
  if (pair !== undefined) {
    const point = String.fromCharCode(parseInt(pair[1]!, 16), parseInt(pair[2]!, 16)).codePointAt(0)!;
    return codePoints([point, point]);
  }
  const hex = cursor.match(/x([\da-fA-F]{2})|u([\da-fA-F]{4})|u\{([\da-fA-F]{1,6})\}/y);
  const point = hex === undefined ? undefined : parseInt(hex[1] ?? hex[2] ?? hex[3]!, 16);
  if (point !== undefined) return point > 0x10ffff ? cursor.fail('has an escape beyond U+10FFFF') : codePoints([point, point]);
  const character = cursor.next();
  if (character === 's' || character === 'S') return (cursor.isNegated ? NEGATED_SPACES : SPACES)[character];
  const known = CLASSES[character];
  if (known !== undefined) return known;
  const control = character === 'b' && inClass ? 0x08 : CONTROLS[character];
  if (control !== undefined) return codePoints([control, control]);
  if (/[1-9k]/.test(character)) cursor.fail('has a backreference, which is not supported');
  if (/[a-zA-Z]/.test(character)) cursor.fail(`has \\${character}, which is not supported`);
  const escaped = character.codePointAt(0)!;
  return codePoints([escaped, escaped]);
}

function single(set: CodePoints): number | undefined {
  return set.length === 1 && set[0]![0] === set[0]![1] ? set[0]![0] : undefined;
}

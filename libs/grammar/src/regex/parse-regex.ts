import { GrammarInvalidError } from '@ringmesh/core';
import { parseClass, parseEscape } from './parse-class.js';
import { codePoints, complement, LINE_ENDS } from './code-points.js';
import { type Regex, repeat, set } from './regex.js';
import { Cursor } from './cursor.js';

const MAX_PATTERN_LENGTH = 16_384;
const MAX_GROUPS_DEEP = 64;
const MAX_REPETITIONS = 100_000;
const ANY_OF_A_LINE = set(complement(LINE_ENDS));

/**
 * Parses what ECMAScript's and Python's syntax have in common. Greedy and lazy repetitions accept the same texts.
 * @throws GrammarInvalidError for bad syntax, and for what no finite automaton does (backreferences, lookbehind)
 */
export function parseRegex(pattern: string): Regex {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new GrammarInvalidError(
      `a regular expression of ${pattern.length} characters is too long: at most ${MAX_PATTERN_LENGTH} are allowed`,
    );
  }
  const cursor = new Cursor(pattern);
  const regex = parseChoice(cursor, 0);
  if (!cursor.atEnd) cursor.fail('has a ")" without "("');
  return regex;
}

function parseChoice(cursor: Cursor, depth: number): Regex {
  if (depth > MAX_GROUPS_DEEP) cursor.fail(`nests groups more than ${MAX_GROUPS_DEEP} deep`);
  const options = [parseSequence(cursor, depth)];
  while (cursor.take('|')) options.push(parseSequence(cursor, depth));
  return options.length === 1 ? options[0]! : { type: 'choice', options };
}

function parseSequence(cursor: Cursor, depth: number): Regex {
  const parts: Regex[] = [];
  while (!cursor.atEnd && cursor.peek() !== '|' && cursor.peek() !== ')') parts.push(parseRepeated(cursor, depth));
  return parts.length === 1 ? parts[0]! : { type: 'sequence', parts };
}

function parseRepeated(cursor: Cursor, depth: number): Regex {
  const part = parseAtom(cursor, depth);
  const bounds = parseBounds(cursor);
  if (bounds === undefined) return part;
  if (part.type === 'anchor' || part.type === 'lookahead') cursor.fail('repeats what has no width');
  if (!cursor.take('?') && cursor.peek() === '+') cursor.fail('has a possessive repetition, which is not supported');
  if (cursor.peek() === '*' || cursor.peek() === '+' || cursor.peek() === '?') cursor.fail('repeats a repetition: put it into a group');
  return repeat(part, ...bounds);
}

function parseBounds(cursor: Cursor): [number, number] | undefined {
  if (cursor.take('*')) return [0, Infinity];
  if (cursor.take('+')) return [1, Infinity];
  if (cursor.take('?')) return [0, 1];
  const counted = cursor.match(/\{(\d+)(,(\d*))?\}/y);
  if (counted === undefined) return undefined;
  const min = Number(counted[1]);
  const max = counted[2] === undefined ? min : counted[3] === '' ? Infinity : Number(counted[3]);
  if (min > max) cursor.fail(`repeats at least ${min} and at most ${max} times`);
  if (min > MAX_REPETITIONS || (max !== Infinity && max > MAX_REPETITIONS)) cursor.fail(`repeats more than ${MAX_REPETITIONS} times`);
  return [min, max];
}

function parseAtom(cursor: Cursor, depth: number): Regex {
  const character = cursor.next();
  switch (character) {
    case '(':
      return parseGroup(cursor, depth);
    case '[':
      return set(parseClass(cursor));
    case '.':
      return ANY_OF_A_LINE;
    case '^':
      return { type: 'anchor', at: 'start' };
    case '$':
      return { type: 'anchor', at: 'end' };
    case '\\':
      return set(parseEscape(cursor, false));
    case '*':
    case '+':
    case '?':
      return cursor.fail(`has nothing before "${character}" to repeat`);
    default:
      return set(codePoints([character.codePointAt(0)!, character.codePointAt(0)!])); // half a surrogate pair is no character
  }
}

function parseGroup(cursor: Cursor, depth: number): Regex {
  const head = cursor.match(/\?(:|=|!|P?<[A-Za-z_]\w*>)/y);
  if (head === undefined && cursor.peek() === '?') cursor.fail('has a lookbehind, flags or another kind of group that is not supported');
  const isNegative = head?.[1] === '!';
  if (isNegative) cursor.isNegated = !cursor.isNegated;
  const part = parseChoice(cursor, depth + 1);
  if (!cursor.take(')')) cursor.fail('has a "(" without ")"');
  if (isNegative) cursor.isNegated = !cursor.isNegated;
  if (isNegative || head?.[1] === '=') return { type: 'lookahead', part, isNegative };
  return part.type === 'choice' ? { type: 'sequence', parts: [part] } : part;
}

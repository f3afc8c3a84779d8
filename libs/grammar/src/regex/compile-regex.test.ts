import { GrammarInvalidError, GrammarTooComplexError } from '@ringmesh/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget } from '../machine/budget.js';
import { jsonStringSequences, utf8Sequences } from './byte-sequences.js';
import { compilePattern } from './compile-regex.js';
import type { Dfa } from './dfa.js';

function accepts({ start, edges, accepts: ends }: Dfa, bytes: Iterable<number>): boolean {
  let state = start;
  for (const byte of bytes) {
    const own = edges[state]!;
    const edge = own.findIndex((_, index) => index % 3 === 0 && own[index]! <= byte && byte <= own[index + 1]!);
    if (edge === -1) return false;
    state = own[edge + 2]!;
  }
  return ends[state]!;
}

const whole = (pattern: string): Dfa => compilePattern(pattern, 'whole', utf8Sequences, new Budget());

const PATTERNS = [
  'a',
  'ab|c',
  '(a|b)*abb',
  'a{2,3}b?',
  '[^a]+',
  '.',
  '\\d+[-.]\\w{2}',
  '\\S\\s\\D',
  '(?:é|名前|🦊){1,2}',
  '[α-ω]*',
  '[\\]\\-a]+',
  '(a?){3}b',
  '((ab)*c)*',
  'x{0}y',
  '\\u{1F98A}|\\u00e9|\\x41',
  '^(a|b)$',
  '(^a|b$)',
  'a+?b*?',
  '(?<name>a)b',
  '',
  '^(?!ab)[abc]{2}$',
  '^(?=.*b)(?!.*cc)[abc]+$',
  '^(?!\\.)[a.]+$',
  '[^\\s]+',
  '^(?!.*\\s).+$',
  '\\ud83e\\udd8a|[\\ud83e\\udd8a-\\ud83e\\udd8b]b',
];
const piece = fc.constantFrom(...Array.from('aabbccxyAé名🦊α.-1 9_]\n'), '名前', 'ab', '');

describe('an automaton of a regular expression', () => {
  it.each(PATTERNS)('%j matches what RegExp matches', (pattern) => {
    const dfa = whole(pattern);
    const part = compilePattern(pattern, 'part', jsonStringSequences, new Budget());
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const text = pieces.join('');
        expect(accepts(dfa, Buffer.from(text)), text).toBe(new RegExp(`^(?:${pattern})$`, 'u').test(text));
        const inString = JSON.stringify(text).slice(1, -1);
        expect(accepts(part, Buffer.from(inString)), inString).toBe(new RegExp(pattern, 'u').test(text));
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('takes each character of a range and none beside it', () => {
    const point = fc.oneof(
      fc.nat(0x2ff),
      fc.integer({ min: 0x7f0, max: 0x810 }),
      fc.integer({ min: 0xd700, max: 0xe0ff }),
      fc.nat(0x10ffff),
    );
    const isCharacter = (value: number): boolean => value < 0xd800 || (value > 0xdfff && value <= 0x10ffff);
    const escape = (value: number): string => `\\u{${value.toString(16)}}`;
    fc.assert(
      fc.property(point.filter(isCharacter), point.filter(isCharacter), (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const dfa = whole(`[${escape(low)}-${escape(high)}]`);
        for (const value of [low - 1, low, (low + high) >> 1, high, high + 1].filter(
          (candidate) => candidate >= 0 && isCharacter(candidate),
        )) {
          expect(accepts(dfa, Buffer.from(String.fromCodePoint(value))), escape(value)).toBe(low <= value && value <= high);
        }
      }),
      { numRuns: 500, seed: 2 },
    );
  });

  it.each(['[^\\s]', '^(?!\\s).$', '\\S', '\\s', '(?!\\S)[^a]'])(
    'takes for %j no blank of which readers say different things',
    (pattern) => {
      for (const blank of ['\u00a0', '\ufeff']) expect(accepts(whole(pattern), Buffer.from(blank))).toBe(false);
    },
  );

  it('has no bytes that are not UTF-8', () => {
    const any = whole('[^a]*');
    for (const bytes of [[0x80], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe4, 0xbd]])
      expect(accepts(any, bytes)).toBe(false);
  });

  it.each([
    ['(a', 'without ")"'],
    ['a)', 'without "("'],
    ['[a', 'without "]"'],
    ['a**', 'repeats a repetition'],
    ['*a', 'to repeat'],
    ['(?<=a)b', 'lookbehind'],
    ['(a)\\1', 'backreference'],
    ['a\\b', '\\b'],
    ['\\p{L}', '\\p'],
    ['a{3,2}', 'at least 3 and at most 2'],
    ['a^b', '"^" or "$"'],
    ['a(?=b)', 'lookahead'],
    ['a|^(?!b)c', 'lookahead'],
    ['\\ud83e', 'no text'],
    ['\ud83e', 'no text'],
    ['[b-a]', 'ends before it begins'],
    ['a\\', 'ends too early'],
    [`${'('.repeat(100)}a${')'.repeat(100)}`, 'deep'],
    ['a'.repeat(20_000), 'too long'],
  ])('refuses %j', (pattern, says) => {
    expect(() => whole(pattern)).toThrow(GrammarInvalidError);
    expect(() => whole(pattern)).toThrow(says);
  });

  it.each([
    '((a{1,100}){1,100}){1,100}',
    '((){100000}){100000}',
    '(.*a.{20}|b)*',
    '(?:a?){5000}a{5000}',
    '(a|b|ab)*c{1,60000}',
    '(x+x+)+y.{0,50000}',
  ])('gives up on %s by the count of its work', (pattern) => {
    expect(() => whole(pattern)).toThrow(GrammarTooComplexError);
  });

  it.each(['(a+)+$', '(a|a)*b', '([a-zA-Z]+)*c', '(.*)*x', '(a|aa)+$'])(
    'makes a small automaton of %s, on which others never end',
    (pattern) => {
      expect(whole(pattern).edges.length).toBeLessThan(100);
    },
  );
});

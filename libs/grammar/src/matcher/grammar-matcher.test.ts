import fc from 'fast-check';
import { EngineFailedError } from '@ringmesh/core';
import { describe, expect, it } from 'vitest';
import type { GrammarSource, ThoughtPlace } from '../grammar-source.js';
import { accepts, allowedTokens, END_TOKEN, isAllowed, matcherOf, tokenizer, trie } from '../testing/vocabulary.js';

const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 8 },
    tags: { type: 'array', items: { enum: ['a', 'ab', 'b\n'] }, maxItems: 3 },
    friend: { $ref: '#' },
    size: { anyOf: [{ type: 'number', minimum: 0.5, maximum: 20 }, { type: 'null' }, { type: 'array', items: { $ref: '#' } }] },
  },
  required: ['name'],
};
const SOURCES: GrammarSource[] = [
  { type: 'schema', schema: PERSON },
  { type: 'schema', schema: { type: 'string', pattern: '^(ab|名前)+[0-9]{2,4}$' } },
  { type: 'schema', schema: { type: 'object', additionalProperties: { type: 'integer' }, maxProperties: 2 } },
  { type: 'object' },
  { type: 'regex', pattern: '[a-c]{1,60}d' },
  { type: 'schema', schema: { type: 'string', pattern: '^.{2,50}$' } },
  { type: 'regex', pattern: '[a-c]*(é|🦊)?x{2}' },
  { type: 'choice', options: ['yes', 'yes!', 'no', ''].map((text) => ({ type: 'literal', text })) },
  {
    type: 'repeat',
    part: {
      type: 'choice',
      options: [
        { type: 'literal', text: 'ab' },
        { type: 'regex', pattern: 'c+' },
      ],
    },
    separator: ', ',
    max: 3,
  },
];
const THOUGHTS: ThoughtPlace[] = ['none', 'possible', 'open'];

describe('a mask', () => {
  it('allows exactly the tokens that can be taken', () => {
    const grammar = fc.tuple(fc.constantFrom(...SOURCES), fc.constantFrom(...THOUGHTS));
    fc.assert(
      fc.property(grammar, fc.array(fc.nat(), { maxLength: 60 }), ([source, thought], choices) => {
        const matcher = matcherOf(source, thought);
        const taken: number[] = [];
        for (const choice of choices) {
          const allowed = allowedTokens(matcher.mask());
          for (let probe = choice % 40; probe < tokenizer.vocabSize; probe += 40) {
            const other = matcherOf(source, thought);
            for (const token of taken) other.accept(token);
            const take = (): void => other.accept(probe);
            if (allowed.includes(probe)) expect(take, tokenizer.tokenText(probe)).not.toThrow();
            else expect(take, tokenizer.tokenText(probe)).toThrow(EngineFailedError);
          }
          const text = allowed.filter((token) => token !== END_TOKEN);
          if (text.length === 0) break;
          const token = text[choice % text.length]!;
          matcher.accept(token);
          taken.push(token);
        }
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('allows no special token', () => {
    const special = Array.from({ length: tokenizer.vocabSize }, (_, token) => token).filter((token) => tokenizer.isSpecial(token));
    expect(special.length).toBeGreaterThan(0);
    const matcher = matcherOf({ type: 'schema', schema: { type: 'string' } });
    for (const token of tokenizer.encode('"a')) matcher.accept(token);
    for (const token of special) expect(isAllowed(matcher.mask(), token)).toBe(false);
    for (const token of tokenizer.encode('"')) matcher.accept(token);
    expect(allowedTokens(matcher.mask())).toEqual([END_TOKEN]);
    expect(matcher.isComplete).toBe(true);
  });
});

describe('a text', () => {
  const string: GrammarSource = { type: 'schema', schema: { type: 'string', minLength: 2, maxLength: 3 } };
  it.each([
    ['"ab"', true],
    ['"a"', false],
    ['"abcd"', false],
    ['"名前だ"', true],
    ['"🦊🦊🦊"', true],
    ['"🦊🦊🦊🦊"', false],
    ['"\\ud83e\\udd8a\\n"', true],
    ['"\\ud83e\\ud83e"', false],
    ['"\\ud83ea"', false],
    ['"\\udd8aab"', false],
    ['"\\u00e9\\/"', true],
    ['"a\nb"', false],
  ])('%s is a string of two or three characters: %s', (text, expected) => {
    expect(accepts(string, text)).toBe(expected);
  });

  it('has characters that are cut anywhere', () => {
    const bytes = [...Buffer.from('"名🦊"')].map((byte) =>
      Array.from(trie.tokens).find((token) => tokenizer.tokenBytes(token).length === 1 && tokenizer.tokenBytes(token)[0] === byte)!,
    );
    const matcher = matcherOf(string);
    for (const token of bytes) {
      expect(isAllowed(matcher.mask(), token)).toBe(true);
      expect(isAllowed(matcher.mask(), END_TOKEN)).toBe(false);
      matcher.accept(token);
    }
    expect(matcher.isComplete).toBe(true);
  });

  it.each([
    ['{"name": "a"}', true],
    ['{ "name" : "a"}', false],
    ['{\n  "name": "a",\n  "tags": [\n    "ab",\n    "b\\n"\n  ]\n}', true],
    [`{${' '.repeat(2)}"name": "a"}`, false],
    [`{\n${' '.repeat(33)}"name": "a"}`, false],
    ['{\n\n"name": "a"}', false],
    ['{"name": "a","tags": ["a" ,"b\\n"]}', false],
    ['{"tags": []}', false],
    ['{"tags": [], "name": "a"}', false],
    ['{"name": "a", "friend": {"name": "b", "size": [{"name": "c"}]}, "size": 20}', true],
    ['{"name": "a", "size": 20.1}', false],
    ['{"name": "a", "other": 1}', false],
    ['{"name": "a"} ', false],
  ])('%j is a person: %s', (text, expected) => {
    expect(accepts({ type: 'schema', schema: PERSON }, text)).toBe(expected);
  });

  it.each([
    ['none', 'yes', true],
    ['none', '<think>a</think>yes', false],
    ['possible', 'yes', true],
    ['possible', '\nyes', false],
    ['possible', '<think>\nyes or no? é\n</think>\n\nno', true],
    ['possible', '<think>a</think>maybe', false],
    ['possible', '<think>a</thin', false],
    ['open', 'hm</thi</think>yes', true],
    ['open', 'hm</think>\n\n\nyes', false],
    ['open', 'yes', false],
    ['open', '', false],
  ] as const)('with a thought that is %s, %j: %s', (thought, text, expected) => {
    const source: GrammarSource = { type: 'choice', options: ['yes', 'no'].map((literal) => ({ type: 'literal', text: literal })) };
    expect(accepts(source, text, thought)).toBe(expected);
  });

  it('may be empty where the grammar says so', () => {
    const matcher = matcherOf({ type: 'regex', pattern: 'a*' });
    expect(isAllowed(matcher.mask(), END_TOKEN)).toBe(true);
    expect(matcher.isComplete).toBe(false);
  });

  it('is repeated as often as it may be', () => {
    const source: GrammarSource = { type: 'repeat', part: { type: 'literal', text: 'a' }, separator: '-', max: 2 };
    expect(['a', 'a-a', 'a-a-a', '', 'a-'].map((text) => accepts(source, text))).toEqual([true, true, false, false, false]);
  });
});

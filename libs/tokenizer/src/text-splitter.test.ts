import { JsonFields, TokenizerInvalidError } from '@ringmesh/core';
import { describe, expect, test } from 'vitest';
import { withUnicodeCaseFolding } from './pre-tokenizer-regex.js';
import { createTextSplitter } from './text-splitter.js';

/** The regex of every Ring and Ling tokenizer. */
const REGEX = "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";

const tokenizerJson = JsonFields.of(
  {
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: REGEX }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
      ],
    },
  },
  { file: 'tokenizer.json', ErrorClass: TokenizerInvalidError },
);

const split = createTextSplitter(tokenizerJson, [
  { id: 0, content: '<x>', special: true },
  { id: 1, content: '<x><y>', special: false },
]);

describe('pieces', () => {
  // What pre_tokenize_str of Hugging Face tokenizers 0.23.2 gives.
  test.each([
    ["I'LL we've", ['I', "'LL", ' we', "'ve"]],
    ["d LL'ſm", ['d', ' LL', "'ſ", 'm']],
    ["'ſre", ["'ſ", 're']],
    ["'K's", ["'K", "'s"]],
    ['12é३', ['1', '2', 'é', '३']],
    ['\u0085\u0085!', ['\u0085', '\u0085', '!']],
    ['a\u0085 b', ['a', '\u0085', ' b']],
    ['a\ufeff\ufeff b', ['a', '\ufeff\ufeff', ' b']],
    ['a \n\n  b', ['a', ' \n\n', ' ', ' b']],
    ['?!\r\n x', ['?!\r\n', ' x']],
    [' !!', [' !!']],
    ['😀', ['😀']],
  ])('of %j', (text, pieces) => {
    expect(split(text)).toEqual(pieces);
  });

  test('added tokens are cut out first, the longest where several match', () => {
    expect(split('a<x><y>!<x>!')).toEqual(['a', '<x><y>', '!', '<x>', '!']);
  });
});

test.each([
  ['(?i:s|k)s', '(?i:[s\u017f]|[k\u212a])s'],
  ['(?i:[^sdm]\\s\\k)', '(?i:[^sdm\u017f]\\s\\k)'],
  ["'(?i:ll|d)", "'(?i:ll|d)"],
  ['(?:s)[s]', '(?:s)[s]'],
])('folding %s', (regex, folded) => {
  expect(withUnicodeCaseFolding(regex)).toBe(folded);
});

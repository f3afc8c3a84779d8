import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IncrementalDetokenizer } from './incremental-detokenizer.js';
import { RING_TINY } from './testing/goldens.js';
import { Tokenizer } from './tokenizer.js';

const tokenizer = await Tokenizer.load(RING_TINY);

/** Any id, with and without a token; single bytes from 0x80 up, which make up broken characters; special tokens. */
const idArbitrary = fc.oneof(
  fc.nat({ max: 520 }),
  fc.constantFrom(...Array.from({ length: 256 }, (_, id) => id).filter((id) => tokenizer.tokenText(id) === '\ufffd')),
  fc.integer({ min: 494, max: 501 }),
);

test('pieces make up what decode gives for all ids', () => {
  fc.assert(
    fc.property(fc.array(idArbitrary, { maxLength: 30 }), fc.boolean(), (ids, skipSpecialTokens) => {
      const detokenizer = new IncrementalDetokenizer(tokenizer, { skipSpecialTokens });
      const text = ids.map((id) => detokenizer.push(id)).join('') + detokenizer.flush();
      expect(text).toBe(tokenizer.decode(ids, { skipSpecialTokens }));
    }),
    { numRuns: 2000 },
  );
});

describe('a character of several tokens', () => {
  const [first, second, third, fourth] = tokenizer.encode('😀') as [number, number, number, number];

  test('comes with its last byte', () => {
    const detokenizer = new IncrementalDetokenizer(tokenizer);
    expect([first, second, third, fourth].map((id) => detokenizer.push(id))).toEqual(['', '', '', '😀']);
    expect(detokenizer.flush()).toBe('');
  });

  test('is U+FFFD as soon as it cannot be completed', () => {
    const detokenizer = new IncrementalDetokenizer(tokenizer);
    detokenizer.push(first);
    expect(detokenizer.push(tokenizer.encode('a')[0]!)).toBe('\ufffda');
  });

  test('is U+FFFD at the end', () => {
    const detokenizer = new IncrementalDetokenizer(tokenizer);
    expect(detokenizer.push(first) + detokenizer.push(second)).toBe('');
    expect(detokenizer.flush()).toBe('\ufffd');
  });

  test('survives a special token that is left out', () => {
    const detokenizer = new IncrementalDetokenizer(tokenizer, { skipSpecialTokens: true });
    const [role] = tokenizer.encode('<role>') as [number];
    expect([first, second, role, third, fourth].map((id) => detokenizer.push(id)).join('')).toBe('😀');
  });
});

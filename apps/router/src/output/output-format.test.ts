import { SAMPLE_MODEL } from '@ringmesh/testing';
import { ReasoningParser, Tokenizer } from '@ringmesh/tokenizer';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputFormat } from './output-format.js';
import { tagTexts } from './tag-texts.js';

const GOLDENS = new URL('../../../../test/fixtures/goldens/', import.meta.url).pathname;
const sample = await Tokenizer.load(SAMPLE_MODEL); // a token for each tag
const tiny = await Tokenizer.load(join(GOLDENS, 'ring-tiny')); // tags in several tokens

describe('OutputFormat', () => {
  it.each([
    ['a token for each tag', sample],
    ['tags in several tokens', tiny],
  ])('closes a thought within its budget, with %s', (_, tokenizer) => {
    const format = new OutputFormat(tokenizer, { reasoning: 'think', toolCalls: 'hermes' });
    for (const budget of [0, 1, 20]) {
      const { maxFreeTokens, closingTokenIds } = format.thoughtLimit(budget, true);
      const parser = new ReasoningParser(true);
      const inside = closingTokenIds.filter((id) => (parser.push(tokenizer.tokenText(id)), parser.isInside)).length;
      expect(parser.isInside).toBe(false);
      expect(tokenizer.decode(closingTokenIds).trim()).toBe('</think>');
      if (budget >= inside) expect(maxFreeTokens + inside).toBe(budget);
      else expect(maxFreeTokens).toBe(0);
    }
    expect(format.thoughtLimit(20, true).startsInside).toBe(true);
    expect(format.thoughtLimit(20, false)).toMatchObject({ startsInside: false });
  });

  it('refuses a budget where nobody looks for thoughts', () => {
    const format = new OutputFormat(sample, { reasoning: 'none', toolCalls: 'hermes' });
    expect(() => format.thoughtLimit(1, true)).toThrow('--reasoning-parser');
  });
});

describe('tagTexts', () => {
  it.each([
    ['a token for each tag', sample],
    ['tags in several tokens', tiny],
  ])('are enough to follow thoughts by tokens, with %s', (_, tokenizer) => {
    const texts = tagTexts(tokenizer, ['<think>', '</think>']);
    expect(texts.size).toBeLessThan(tokenizer.vocabSize / 2);
    const tokens = fc.oneof(
      fc.nat(tokenizer.vocabSize - 1).map((id) => [id]),
      fc.constantFrom('<think>', '</think>', '<', '</', 'think', '>', '>\n', ' ', 'a').map((text) => tokenizer.encode(text)),
    );
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 12 }), fc.boolean(), (lists, startsInside) => {
        const [exact, followed] = [new ReasoningParser(startsInside), new ReasoningParser(startsInside)];
        for (const id of lists.flat()) {
          exact.push(tokenizer.tokenText(id));
          followed.push(texts.get(id) ?? '\uFFFC');
          expect(followed.isInside).toBe(exact.isInside);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

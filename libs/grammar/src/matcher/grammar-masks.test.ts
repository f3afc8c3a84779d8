import { GrammarTooComplexError } from '@ringmesh/core';
import { describe, expect, it } from 'vitest';
import { compileGrammar } from '../compile-grammar.js';
import type { GrammarSource } from '../grammar-source.js';
import { tokenizer, trie } from '../testing/vocabulary.js';
import { GrammarMasks } from './grammar-masks.js';
import { LeafWalks, WalkScratch } from './leaf-walk.js';

function masksOf(source: GrammarSource, maxWork: number): GrammarMasks {
  const { machine } = compileGrammar(source);
  const walks = new LeafWalks(machine, trie, new WalkScratch(trie));
  return new GrammarMasks(machine, trie, () => walks, maxWork);
}

const patterns = Array.from({ length: 100 }, (_, index) => ({ type: 'string', pattern: `^${'ab'.repeat(index)}c$` }));
const SOURCES: [string, GrammarSource][] = [
  ['many regular rules', { type: 'schema', schema: { anyOf: patterns } }],
  ['many properties', { type: 'schema', schema: { properties: Object.fromEntries(patterns.map(({ pattern }) => [pattern, {}])) } }],
];

describe('the work of a mask', () => {
  it.each(SOURCES)('has a limit, with %s', (_, source) => {
    const enough = masksOf(source, 100_000);
    expect(enough.of(enough.start()).some((word) => word !== 0)).toBe(true);
    const scant = masksOf(source, 100);
    expect(() => scant.of(scant.start())).toThrow(GrammarTooComplexError);
  });

  it.each(SOURCES)('has a limit for a token, too, with %s', (_, source) => {
    const [enough, scant] = [masksOf(source, 100_000), masksOf(source, 100)];
    const opening = tokenizer.encode(source === SOURCES[0]![1] ? '"' : '{')[0]!;
    expect(enough.after(enough.start(), opening)).not.toBe(null);
    expect(() => scant.after(scant.start(), opening)).toThrow(GrammarTooComplexError);
  });

  it('is done once', () => {
    const masks = masksOf(SOURCES[1]![1], 100_000);
    const first = masks.of(masks.start());
    const { done } = masks.automaton.work;
    expect(masks.of(masks.start())).toBe(first);
    expect(masks.automaton.work.done).toBe(done);
  });
});

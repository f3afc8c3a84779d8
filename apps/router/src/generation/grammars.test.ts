import { GrammarInvalidError, GrammarTooComplexError, QueueFullError } from '@ringmesh/core';
import { buildTokenTrie, type GrammarSource } from '@ringmesh/grammar';
import { describe, expect, it } from 'vitest';
import { Grammars } from './grammars.js';

const bytes = { vocabSize: 256, isSpecial: () => false, tokenBytes: (id: number) => Uint8Array.of(id) };
const vocabulary = buildTokenTrie(bytes, 256);

/** More work than is done at once. */
const large = (length: number): GrammarSource => ({ type: 'schema', schema: { type: 'string', pattern: `^.{0,${length}}$` } });
const TOO_LARGE: GrammarSource = { type: 'regex', pattern: '(.*a.{30})' };

function nested(depth: number): unknown {
  return JSON.parse('['.repeat(depth) + ']'.repeat(depth));
}

describe('the grammar of a request', () => {
  it.each([
    ['small', { type: 'object' } as const],
    ['large', large(700)],
  ])('is compiled once, when it is %s', async (_, source) => {
    const grammars = new Grammars(vocabulary);
    const ask = async (): Promise<unknown> => (await grammars.constraint(source, 'none', [], 'response_format')).grammar;
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(second).toBe(first);
    expect(await ask()).toBe(first);
  });

  it('holds nobody up when it is large', async () => {
    const turn = new Promise<string>((resolve) => setImmediate(resolve, 'the next turn of the event loop'));
    const grammar = new Grammars(vocabulary).constraint(large(700), 'none', [], 'tools').then(() => 'the grammar');
    expect(await Promise.race([turn, grammar])).toBe('the next turn of the event loop');
    expect(await grammar).toBe('the grammar');
  });

  it.each<[string, GrammarSource, new (message: string) => Error, RegExp]>([
    ['is too complex', TOO_LARGE, GrammarTooComplexError, /^guided_json: it takes more work/],
    ['is none', { type: 'schema', schema: { type: 'float' } }, GrammarInvalidError, /^guided_json: #: "type" must be/],
    ['is nested deeply', { type: 'schema', schema: { enum: nested(50_000) } }, GrammarInvalidError, /^guided_json: a schema nested more/],
  ])('is refused with the name of the field where it %s', async (_, source, ErrorClass, says) => {
    const asked = new Grammars(vocabulary).constraint(source, 'none', [], 'guided_json');
    await expect(asked).rejects.toThrow(ErrorClass);
    await expect(asked).rejects.toMatchObject({ field: 'guided_json', message: expect.stringMatching(says) as string });
  });

  it.each([
    ['small', { type: 'object' } as const],
    ['large', large(700)],
  ])('goes to the engine as often as there are answers without a copy, when it is %s', async (_, source) => {
    const { grammar } = await new Grammars(vocabulary).constraint(source, 'none', [], 'guided_json');
    for (const part of Object.values(grammar.machine)) if (ArrayBuffer.isView(part)) expect(part.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('waits for no more than so many large ones', async () => {
    const grammars = new Grammars(vocabulary);
    const asked = Array.from({ length: 40 }, (_, index) => grammars.constraint(large(500 + index), 'none', [], 'guided_json'));
    const results = await Promise.allSettled(asked);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.length).toBe(8);
    for (const { reason } of refused) expect(reason).toBeInstanceOf(QueueFullError);
  });
});

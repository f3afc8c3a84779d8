import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { TokenizerInvalidError } from '@ringmesh/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CheckpointFolder } from './testing/checkpoint-folder.js';
import { RING_TINY } from './testing/goldens.js';
import { Tokenizer } from './tokenizer.js';

const tokenizer = await Tokenizer.load(RING_TINY);
const MODEL_VOCAB_SIZE = 512;

describe('tokens', () => {
  test('bytes of a text’s tokens are the text’s bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = tokenizer.encode(text).flatMap((id) => [...tokenizer.tokenBytes(id)]);
        expect(bytes).toEqual([...new TextEncoder().encode(text)]);
      }),
    );
  });

  test('a text decodes to itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  test('a byte order mark is text', () => {
    expect(tokenizer.decode(tokenizer.encode('\ufeffa'))).toBe('\ufeffa');
  });

  test('part of a character reads U+FFFD', () => {
    const [first] = tokenizer.encode('é');
    expect(tokenizer.tokenBytes(first!)).toEqual(Uint8Array.of(0xc3));
    expect(tokenizer.tokenText(first!)).toBe('\ufffd');
  });

  test('special tokens are known, and texts of added tokens that are not special stay', async () => {
    const [role, roleEnd] = tokenizer.encode('<role></role>');
    expect(tokenizer.isSpecial(role!)).toBe(true);
    expect(tokenizer.tokenText(roleEnd!)).toBe('</role>');
    expect(tokenizer.isSpecial(tokenizer.encode('a')[0]!)).toBe(false);
    expect(tokenizer.eosText).toBe('<|endoftext|>');
    const distill = await Tokenizer.load(join(RING_TINY, '../ring-tiny-distill'));
    const ids = distill.encode('<role><think>');
    expect(ids).toHaveLength(2);
    expect(distill.decode(ids, { skipSpecialTokens: true })).toBe('<think>');
  });

  test('ids without a token are nothing', () => {
    const [a] = tokenizer.encode('a');
    for (const id of [tokenizer.vocabSize, MODEL_VOCAB_SIZE - 1, 1e9, -1, 0.5, NaN]) {
      expect(tokenizer.decode([a!, id, a!])).toBe('aa');
      expect(tokenizer.tokenText(id)).toBe('');
      expect(tokenizer.isSpecial(id)).toBe(false);
    }
  });

  test('lone surrogates are U+FFFD', () => {
    expect(tokenizer.decode(tokenizer.encode('a\ud800b\udc00'))).toBe('a\ufffdb\ufffd');
  });
});

describe('no text takes time that grows with the square of its length', () => {
  const BYTES = 2 ** 18;
  const LIMIT_MS = 5000;
  test.each(['a', ' ', '\n', '1', '!', 'é', '😀', 'the', 'the ', ' \n', '<role>', '<|endoftext|', "'ll", '\ud800'])('of %j', (unit) => {
    const text = unit.repeat(BYTES / Buffer.byteLength(unit));
    const started = performance.now();
    const ids = tokenizer.encode(text);
    expect(performance.now() - started).toBeLessThan(LIMIT_MS);
    expect(tokenizer.decode(ids) === text.toWellFormed()).toBe(true);
  });
});

describe('files', () => {
  type Json = Record<string, never> & { model: Record<string, unknown>; pre_tokenizer: { pretokenizers: Record<string, unknown>[] } };
  const load = async (change: (json: Json) => unknown): Promise<Tokenizer> => {
    const { dir } = await (await CheckpointFolder.create()).edit('tokenizer.json', (json) => void change(json as Json));
    return Tokenizer.load(dir);
  };

  test.each<[string, (json: Json) => unknown]>([
    ['model.type', ({ model }) => (model.type = 'Unigram')],
    ['model.dropout', ({ model }) => (model.dropout = 0.1)],
    ['model.ignore_merges', ({ model }) => (model.ignore_merges = true)],
    ['model.vocab', ({ model }) => (model.vocab = [])],
    ['model.vocab: a byte is missing', ({ model }) => delete (model.vocab as Record<string, number>).Ġ],
    ['model.vocab.a', ({ model }) => ((model.vocab as Record<string, number>).a = -1)],
    ['model.vocab: two tokens of one id', ({ model }) => ((model.vocab as Record<string, number>).a = 5)],
    ['model.merges', ({ model }) => delete model.merges],
    ['model.merges: no pair', ({ model }) => (model.merges = ['a b c'])],
    ['model.merges: not in the vocabulary', ({ model }) => (model.merges = [['a', 'zzz']])],
    ['pre_tokenizer', (json) => Object.assign(json, { pre_tokenizer: null })],
    ['pre_tokenizer: no ByteLevel', ({ pre_tokenizer }) => pre_tokenizer.pretokenizers.pop()],
    ['pre_tokenizer: its regex', ({ pre_tokenizer }) => (pre_tokenizer.pretokenizers[0]!.pattern = { Regex: '(' })],
    ['pre_tokenizer.pretokenizers[0].behavior', ({ pre_tokenizer }) => (pre_tokenizer.pretokenizers[0]!.behavior = 'Removed')],
    ['normalizer', (json) => Object.assign(json, { normalizer: { type: 'NFC' } })],
    ['decoder', (json) => Object.assign(json, { decoder: { type: 'WordPiece' } })],
    ['added_tokens[0].content', (json) => Object.assign(json, { added_tokens: [{ id: 500, special: true }] })],
    ['added_tokens[0].lstrip', (json) => Object.assign(json, { added_tokens: [{ id: 500, content: 'x', special: true, lstrip: true }] })],
  ])('%s', async (what, change) => {
    const error: unknown = await load(change).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TokenizerInvalidError);
    expect((error as Error).message).toContain(`tokenizer.json: ${what.split(':')[0]!}`);
  });

  test('ids may have gaps', async () => {
    const gapped = await load((json) => Object.assign(json, { added_tokens: [{ id: 900, content: '<x>', special: false }] }));
    expect(gapped.vocabSize).toBe(901);
    expect(gapped.decode([899, 900])).toBe('<x>');
  });

  test.each(['tokenizer.json', 'tokenizer_config.json'])('%s is missing', async (file) => {
    const { dir } = await (await CheckpointFolder.create()).remove(file);
    await expect(Tokenizer.load(dir)).rejects.toThrow(TokenizerInvalidError);
    await expect(Tokenizer.load(dir)).rejects.toThrow(file);
  });

  test.each(['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'])('%s is cut short', async (file) => {
    const { dir } = await (await CheckpointFolder.create()).write(file, '{"a": ');
    await expect(Tokenizer.load(dir)).rejects.toThrow(TokenizerInvalidError);
    await expect(Tokenizer.load(dir)).rejects.toThrow(file);
  });

  test('tokenizer.json is larger than 64 MiB', async () => {
    const { dir } = await CheckpointFolder.create();
    await truncate(join(dir, 'tokenizer.json'), 64 * 2 ** 20 + 1);
    await expect(Tokenizer.load(dir)).rejects.toThrow('at most 67108864');
  });

  test('special_tokens_map.json may be missing, and names what tokenizer_config.json does not', async () => {
    const folder = await CheckpointFolder.create();
    await folder.edit('tokenizer_config.json', (json) => delete json.eos_token);
    expect((await Tokenizer.load(folder.dir)).eosText).toBe('<|endoftext|>');
    await folder.remove('special_tokens_map.json');
    expect((await Tokenizer.load(folder.dir)).eosText).toBeUndefined();
    await folder.edit('tokenizer_config.json', (json) => (json.eos_token = { content: '[CLS]' }));
    expect((await Tokenizer.load(folder.dir)).eosText).toBe('[CLS]');
  });
});

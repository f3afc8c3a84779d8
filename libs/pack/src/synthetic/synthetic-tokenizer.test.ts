import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatTemplate, Tokenizer } from '@ringmesh/tokenizer';
import type { ModelConfig } from '@ringmesh/weights';
import { expect, it, onTestFinished } from 'vitest';
import { readShape } from './shapes.js';
import { syntheticTokenizer } from './synthetic-tokenizer.js';

async function load(vocabulary: Partial<ModelConfig>): Promise<{ tokenizer: Tokenizer; template: ChatTemplate }> {
  const dir = await mkdtemp(join(tmpdir(), 'ringmesh-synthetic-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const { config } = await readShape('ring-lite');
  for (const [name, content] of syntheticTokenizer({ ...config, ...vocabulary })) await writeFile(join(dir, name), content);
  return { tokenizer: await Tokenizer.load(dir), template: await ChatTemplate.load(dir) };
}

it.each([
  [1000, 17],
  [259, 258],
])('a vocabulary of %i with %i as its end has a text for every id', async (vocabSize, eos) => {
  const { tokenizer, template } = await load({ vocabSize, eosTokenIds: [eos] });
  expect(tokenizer.vocabSize).toBe(vocabSize);
  const lengths = Array.from({ length: vocabSize }, (_, id) => tokenizer.tokenBytes(id).length);
  expect(Math.min(...lengths)).toBe(1);
  const prompt = template.render([{ role: 'user', content: 'Grüße 🦊\n' }], { addGenerationPrompt: true });
  const ids = tokenizer.encode(prompt);
  expect(tokenizer.decode(ids)).toBe('<role>HUMAN</role>Grüße 🦊\n<role>ASSISTANT</role>');
  expect(Math.max(...ids)).toBeLessThan(vocabSize);
  expect(tokenizer.eosText).toBe(tokenizer.tokenText(eos));
});

it('needs room for all bytes', async () => {
  const { config } = await readShape('ring-lite');
  expect(() => syntheticTokenizer({ ...config, vocabSize: 258, eosTokenIds: [0] })).toThrow(/vocab_size is 258: give at least 259/);
});

import { describe, expect, test } from 'vitest';
import { ChatTemplate } from './chat-template.js';
import { IncrementalDetokenizer } from './incremental-detokenizer.js';
import { tokenizerGoldens } from './testing/goldens.js';
import { Tokenizer } from './tokenizer.js';

const goldens = tokenizerGoldens();

test('the goldens of the project are there', () => {
  expect(goldens.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['ring-tiny', 'ring-tiny-distill', 'ring-tiny-switches', 'ring-tiny-yarn']),
  );
});

describe.each(goldens)('$name', async ({ dir, golden }) => {
  const tokenizer = await Tokenizer.load(dir);
  const chatTemplate = await ChatTemplate.load(dir);

  test('vocabulary size', () => {
    expect(tokenizer.vocabSize).toBe(golden.vocab_size_of_tokenizer);
  });

  test('texts become the ids', () => {
    for (const { text, ids } of golden.encode) expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
  });

  test.each([false, true])('ids become the texts, at once and one by one; without special tokens: %s', (skipSpecialTokens) => {
    for (const { ids, decoded, decoded_skip_special } of [...golden.encode, ...golden.decode]) {
      const expected = skipSpecialTokens ? decoded_skip_special : decoded;
      expect(tokenizer.decode(ids, { skipSpecialTokens }), String(ids)).toBe(expected);
      const detokenizer = new IncrementalDetokenizer(tokenizer, { skipSpecialTokens });
      expect(ids.map((id) => detokenizer.push(id)).join('') + detokenizer.flush(), String(ids)).toBe(expected);
    }
  });

  test('chats become the prompts', () => {
    for (const { messages, add_generation_prompt: addGenerationPrompt, kwargs: variables, rendered, ids } of golden.chat) {
      expect(chatTemplate.render(messages, { addGenerationPrompt, variables })).toBe(rendered);
      expect(tokenizer.encode(rendered), rendered).toEqual(ids);
    }
  });
});

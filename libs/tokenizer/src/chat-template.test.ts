import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidRequestError, TokenizerInvalidError } from '@ringmesh/core';
import { describe, expect, test } from 'vitest';
import { ChatTemplate } from './chat-template.js';
import { CheckpointFolder } from './testing/checkpoint-folder.js';
import { RING_TINY } from './testing/goldens.js';

const HELLO = [{ role: 'user', content: 'Hello' }];
const OPTIONS = { addGenerationPrompt: false };

async function load(source: string): Promise<ChatTemplate> {
  const folder = await CheckpointFolder.create();
  await folder.write('chat_template.jinja', source);
  return ChatTemplate.load(folder.dir);
}

describe('rendering', () => {
  test('knows special tokens, tools and the request’s variables', async () => {
    const template = await load(
      '{{ bos_token }}{{ tools is none }}{{ thinking | default("off") }}{{ add_generation_prompt }}{{ eos_token }}',
    );
    expect(template.render(HELLO, { addGenerationPrompt: true })).toBe('<|startoftext|>trueofftrue<|endoftext|>');
    expect(template.render(HELLO, { addGenerationPrompt: true, variables: { thinking: 'on', tools: [] } })).toContain('falseontrue');
  });

  test('variables cannot take the place of the messages', async () => {
    const template = await load('{{ messages[0].content }}');
    expect(template.render(HELLO, { addGenerationPrompt: false, variables: { messages: [] } })).toBe('Hello');
  });

  // What Python's str methods and jinja2's trim give.
  test.each([
    ['{{ x.strip("\\n") }}', '\n  a \n', '  a '],
    ['{{ x.lstrip("\\n") }}', '\n\n  a\n', '  a\n'],
    ['{{ x.rstrip("ab") }}', 'xcabba', 'xc'],
    ['{{ x.strip() }}', '\ufeff \u0085\x1ca\u3000', '\ufeff \u0085\x1ca'],
    ['{{ x | trim }}', '\u0085\x1c a\ufeff \n', 'a\ufeff'],
    ['{{ (x | trim).split("|")[0].rstrip("😀") }}', ' a😀😀|b ', 'a'],
    ['{% macro m(t) %}[{{ t.strip() | trim }}]{% endmacro %}{{ m(x) }}', ' a ', '[a]'],
  ])('%s of %j', async (source, x, expected) => {
    const template = await load(source.replaceAll('x', 'messages[0].content'));
    expect(template.render([{ role: 'user', content: x }], OPTIONS)).toBe(expected);
  });
});

describe('messages that the template refuses', () => {
  test('raise_exception is the caller’s error', async () => {
    const template = await load(
      '{% for m in messages %}{% if m.role != "user" %}{{ raise_exception("no role " + m.role) }}{% endif %}{% endfor %}',
    );
    expect(template.render(HELLO, OPTIONS)).toBe('');
    expect(() => template.render([{ role: 'robot', content: '' }], OPTIONS)).toThrow(InvalidRequestError);
    expect(() => template.render([{ role: 'robot', content: '' }], OPTIONS)).toThrow(/messages: .*no role robot/);
  });

  test('so is a message without text', async () => {
    const template = await ChatTemplate.load(RING_TINY);
    for (const content of [undefined, null]) {
      expect(() => template.render([{ role: 'user', content }], OPTIONS)).toThrow(InvalidRequestError);
    }
  });
});

describe('files', () => {
  test('chat_template.jinja goes before tokenizer_config.json', async () => {
    const folder = await CheckpointFolder.create();
    await folder.write('chat_template.jinja', 'from jinja');
    expect((await ChatTemplate.load(folder.dir)).render(HELLO, OPTIONS)).toBe('from jinja');
    await folder.remove('chat_template.jinja');
    expect((await ChatTemplate.load(folder.dir)).render(HELLO, OPTIONS)).toBe('<role>HUMAN</role>Hello');
  });

  test.each([
    ['a syntax error', '{% if %}'],
    ['an unclosed block', '{% for m in messages %}'],
    ['a filter that does not exist', '{{ messages | frobnicate }}'],
    ['more than a mebibyte', 'x'.repeat(2 ** 20 + 1)],
    ['refusing everything', '{{ raise_exception("never") }}'],
  ])('a template with %s', async (_, source) => {
    await expect(load(source)).rejects.toThrow(TokenizerInvalidError);
    await expect(load(source)).rejects.toThrow('chat_template.jinja');
  });

  test('no template', async () => {
    const folder = await CheckpointFolder.create();
    await folder.edit('tokenizer_config.json', (json) => delete json.chat_template);
    await expect(ChatTemplate.load(folder.dir)).rejects.toThrow(TokenizerInvalidError);
    await expect(ChatTemplate.load(folder.dir)).rejects.toThrow(/tokenizer_config.json: chat_template is missing/);
  });

  test('the template of ring-tiny is read as it stands', async () => {
    const config = JSON.parse(await readFile(join(RING_TINY, 'tokenizer_config.json'), 'utf8')) as { chat_template: string };
    const template = await load(config.chat_template);
    expect(template.render(HELLO, { addGenerationPrompt: true })).toBe('<role>HUMAN</role>Hello<role>ASSISTANT</role>');
  });
});

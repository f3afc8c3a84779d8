import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatTemplate } from '@ringmesh/tokenizer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chatMessageSchema } from '../schemas/messages.js';
import { templateMessage } from './chat-messages.js';

let dir: string;
beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'ringmesh-template-'))));
afterEach(() => rm(dir, { recursive: true }));

const ASSISTANT = {
  role: 'assistant',
  content: 'So:',
  reasoning_content: 'Hm.',
  tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'add', arguments: '{"a": 1}' } }],
};

/** The message as a template of this text gets it. */
async function given(template: string, message: object): Promise<unknown> {
  await writeFile(join(dir, 'tokenizer_config.json'), '{}');
  await writeFile(join(dir, 'chat_template.jinja'), template);
  return templateMessage(chatMessageSchema.parse(message), await ChatTemplate.load(dir));
}

describe('templateMessage', () => {
  it('gives a template the fields that it knows, arguments as objects', async () => {
    expect(await given('{# tool_calls reasoning_content #}', ASSISTANT)).toEqual({
      role: 'assistant',
      content: 'So:',
      reasoning_content: 'Hm.',
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'add', arguments: { a: 1 } } }],
    });
  });

  it('writes calls into the content for others, and the thought for those that look for it there', async () => {
    const call = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>';
    expect(await given('', ASSISTANT)).toEqual({ role: 'assistant', content: `So:\n${call}` });
    expect(await given('{# </think> #}', ASSISTANT)).toEqual({
      role: 'assistant',
      content: `<think>\nHm.\n</think>\n\nSo:\n${call}`,
    });
    expect(await given('', { ...ASSISTANT, content: null })).toEqual({ role: 'assistant', content: call });
  });

  it.each([
    ['', {}],
    ['{"a": ', '{"a": '],
  ])('keeps arguments that are no JSON: %j', async (json, expected) => {
    const message = { role: 'assistant', tool_calls: [{ id: 'x', function: { name: 'f', arguments: json } }] };
    expect(await given('{# tool_calls #}', message)).toMatchObject({ tool_calls: [{ function: { arguments: expected } }] });
  });

  it('keeps the id that a tool answers', async () => {
    expect(await given('', { role: 'tool', content: [{ type: 'text', text: '1' }], tool_call_id: 'call_1', name: 'add' })).toEqual({
      role: 'tool',
      content: '1',
      tool_call_id: 'call_1',
      name: 'add',
    });
  });
});

import { SAMPLE_MODEL } from '@ringmesh/testing';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveReplies } from '../../testing/scripted-router.js';

const TOOLS: OpenAI.ChatCompletionTool[] = [
  {
    type: 'function',
    function: { name: 'add', description: 'Adds.', parameters: { type: 'object', properties: { a: { type: 'number' } } } },
  },
];
const CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 47, "b": 85, "note": "✓ \\"}\\" </tool_call>"}}\n</tool_call>';
const ARGUMENTS = '{"a": 47, "b": 85, "note": "✓ \\"}\\" </tool_call>"}';
const THOUGHT = '<think>\nI must add.\n</think>\n\n';

let closing: (() => Promise<void>)[];
beforeEach(() => void (closing = []));
afterEach(async () => {
  for (const close of closing) await close();
});

async function serve(replies: string[], toolCalls?: 'hermes' | 'none'): Promise<{ client: OpenAI; prompts: string[] }> {
  const { url, prompts, close } = await serveReplies(SAMPLE_MODEL, replies, toolCalls);
  closing.push(close);
  return { client: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 }), prompts };
}

const ask = { model: 'scripted', messages: [{ role: 'user' as const, content: 'What is 47 + 85?' }], tools: TOOLS };

describe('tool calls', () => {
  it('come with ids, beside thought and text, and the template shows the tools', async () => {
    const { client, prompts } = await serve([`${THOUGHT}Let me add.\n${CALL}\n${CALL}`]);
    const { choices, usage } = await client.chat.completions.create({ ...ask, logprobs: true });
    const { message, finish_reason, logprobs } = choices[0]!;
    expect(finish_reason).toBe('tool_calls');
    expect(message).toMatchObject({ role: 'assistant', content: 'Let me add.', reasoning_content: 'I must add.' });
    const call = {
      type: 'function',
      id: expect.stringMatching(/^call_\w{32}$/) as string,
      function: { name: 'add', arguments: ARGUMENTS },
    };
    expect(message.tool_calls).toEqual([call, call]);
    expect(new Set(message.tool_calls!.map(({ id }) => id)).size).toBe(2);
    expect(logprobs!.content).toHaveLength(usage!.completion_tokens);
    expect(prompts[0]).toContain('# Tools{"type": "function", "function": {"name": "add"');
  });

  it('alone have no content', async () => {
    const { client } = await serve([CALL]);
    expect((await client.chat.completions.create(ask)).choices[0]!.message.content).toBeNull();
  });

  it('stream the name first, then the arguments in pieces, as the client’s stream helper expects', async () => {
    const { client } = await serve([`${THOUGHT}Let me add.\n${CALL}`]);
    const stream = client.chat.completions.stream(ask);
    const deltas: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall[] = [];
    for await (const chunk of stream) deltas.push(...(chunk.choices[0]?.delta.tool_calls ?? []));
    expect(deltas[0]).toMatchObject({ index: 0, id: expect.any(String) as string, type: 'function', function: { name: 'add' } });
    expect(deltas.length).toBeGreaterThan(10);
    expect(deltas.slice(1).every((delta) => delta.id === undefined && delta.function!.name === undefined)).toBe(true);
    const { choices } = await stream.finalChatCompletion();
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: 'Let me add.' } });
    expect(choices[0]!.message.tool_calls).toMatchObject([{ function: { name: 'add', arguments: ARGUMENTS } }]);
  });

  it('go round with runTools, streaming or not: the result is in the next prompt', async () => {
    const { client, prompts } = await serve([CALL, '47 + 85 = 132', `${THOUGHT}${CALL}`, '132']);
    const seen: unknown[] = [];
    const add = {
      type: 'function' as const,
      function: {
        name: 'add',
        description: 'Adds.',
        parameters: { type: 'object' },
        parse: JSON.parse as (text: string) => { a: number; b: number },
        function: (given: { a: number; b: number }): string => {
          seen.push(given);
          return String(given.a + given.b);
        },
      },
    };
    const { model, messages } = ask;
    expect(await client.chat.completions.runTools({ model, messages, tools: [add] }).finalContent()).toBe('47 + 85 = 132');
    expect(await client.chat.completions.runTools({ model, messages, tools: [add], stream: true }).finalContent()).toBe('132');
    expect(seen).toEqual([JSON.parse(ARGUMENTS), JSON.parse(ARGUMENTS)]);
    for (const prompt of [prompts[1]!, prompts[3]!]) {
      expect(prompt).toContain(`<role>ASSISTANT</role>${CALL}<role>OBSERVATION</role>`);
      expect(prompt).toContain('<role>OBSERVATION</role><tool_response>132</tool_response><role>ASSISTANT</role>');
    }
  });

  it('may be limited to one', async () => {
    const { client } = await serve([`${CALL}\n${CALL}`]);
    const { choices } = await client.chat.completions.create({ ...ask, parallel_tool_calls: false });
    expect(choices[0]!.message.tool_calls).toHaveLength(1);
  });

  it.each([
    ['that are malformed', '<tool_call>\nadd(47, 85)\n</tool_call>', {}, 'hermes'],
    ['with tool_choice none', CALL, { tool_choice: 'none' }, 'hermes'],
    ['without tools', CALL, { tools: [] }, 'hermes'],
    ['with --tool-call-parser none', CALL, {}, 'none'],
  ] as const)('%s stay content', async (_, reply, fields, parser) => {
    const { client, prompts } = await serve([reply, reply], parser);
    const body = { ...ask, ...fields } as OpenAI.ChatCompletionCreateParamsNonStreaming;
    const { choices } = await client.chat.completions.create(body);
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: reply } });
    expect(choices[0]!.message.tool_calls).toBeUndefined();
    const { content } = await client.chat.completions.stream({ ...body, stream: true }).finalMessage();
    expect(content).toBe(reply);
    expect(prompts[0]!.includes('# Tools')).toBe(!('tools' in fields || 'tool_choice' in fields));
  });

  it('end at a stop string like other text', async () => {
    const { client } = await serve([CALL]);
    const { choices } = await client.chat.completions.create({ ...ask, stop: '"b"' });
    expect(choices[0]!.message.tool_calls).toMatchObject([{ function: { name: 'add', arguments: '{"a": 47, ' } }]);
  });
});

import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { SAMPLE_MODEL } from '@ringmesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { serveReplies } from '../../testing/scripted-router.js';

const INPUT = { a: 47, b: 85 };
const CALL = `<tool_call>\n{"name": "add", "arguments": ${JSON.stringify(INPUT)}}\n</tool_call>`;
const TOOLS: Anthropic.Tool[] = [
  { name: 'add', description: 'Adds.', input_schema: { type: 'object', properties: { a: { type: 'number' } } } },
];
const ask = { model: 'scripted', max_tokens: 200, messages: [{ role: 'user' as const, content: 'What is 47 + 85?' }], tools: TOOLS };

let closing: (() => Promise<void>)[];
beforeEach(() => void (closing = []));
afterEach(async () => {
  for (const close of closing) await close();
});

async function serve(replies: string[]): Promise<{ client: Anthropic; prompts: string[]; constrained: boolean[] }> {
  const { url, prompts, constrained, close } = await serveReplies(SAMPLE_MODEL, replies);
  closing.push(close);
  return { client: new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 }), prompts, constrained };
}

describe('tool use', () => {
  it('is a block beside thought and text, and the template shows the tools', async () => {
    const { client, prompts } = await serve([`<think>\nI must add.\n</think>\n\nLet me add.\n${CALL}\n${CALL}`]);
    const { content, stop_reason } = await client.messages.create({ ...ask, thinking: { type: 'adaptive' } });
    expect(stop_reason).toBe('tool_use');
    const call = { type: 'tool_use', name: 'add', input: INPUT, id: expect.stringMatching(/^toolu_\w{32}$/) as string };
    expect(content).toMatchObject([{ type: 'thinking', thinking: 'I must add.' }, { type: 'text', text: 'Let me add.' }, call, call]);
    expect(prompts[0]).toContain('# Tools{"type": "function", "function": {"name": "add"');
  });

  it('streams, and the client’s helper puts it together', async () => {
    const { client } = await serve([`Let me add.\n${CALL}`]);
    const stream = client.messages.stream(ask);
    const pieces: string[] = [];
    stream.on('inputJson', (piece) => pieces.push(piece));
    const { content, stop_reason } = await stream.finalMessage();
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join('')).toBe(JSON.stringify(INPUT));
    expect(content).toMatchObject([
      { type: 'text', text: 'Let me add.' },
      { type: 'tool_use', name: 'add', input: INPUT },
    ]);
    expect(stop_reason).toBe('tool_use');
  });

  it('goes round: the result is in the next prompt', async () => {
    const { client, prompts } = await serve([CALL, '47 + 85 = 132']);
    const { content } = await client.messages.create(ask);
    const { id } = content[0] as Anthropic.ToolUseBlock;
    const messages: Anthropic.MessageParam[] = [
      ...ask.messages,
      { role: 'assistant', content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: '132' }] },
    ];
    const answer = await client.messages.create({ ...ask, messages });
    expect(answer.content).toMatchObject([{ type: 'text', text: '47 + 85 = 132' }]);
    expect(answer.stop_reason).toBe('end_turn');
    expect(prompts[1]).toContain('</tool_call><role>OBSERVATION</role><tool_response>132</tool_response><role>ASSISTANT</role>');
  });

  it('goes round with the client’s tool runner, whose arguments its own schema checks', async () => {
    const { client } = await serve([CALL, '47 + 85 = 132']);
    const seen: unknown[] = [];
    const add = betaZodTool({
      name: 'add',
      description: 'Adds.',
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      run: (input) => {
        seen.push(input);
        return String(input.a + input.b);
      },
    });
    const { model, max_tokens, messages } = ask;
    const last = await client.beta.messages.toolRunner({ model, max_tokens, messages, tools: [add] });
    expect(last.content).toMatchObject([{ type: 'text', text: '47 + 85 = 132' }]);
    expect(seen).toEqual([INPUT]);
  });

  it('stays text with tool_choice none, and may be limited to one', async () => {
    const { client, prompts } = await serve([CALL, `${CALL}\n${CALL}`]);
    const none = await client.messages.create({ ...ask, tool_choice: { type: 'none' } });
    expect(none.content).toMatchObject([{ type: 'text', text: CALL }]);
    expect(prompts[0]).not.toContain('# Tools');
    const one = await client.messages.create({ ...ask, tool_choice: { type: 'auto', disable_parallel_tool_use: true } });
    expect(one.content).toHaveLength(1);
  });

  it('is forced by masks where it is required', async () => {
    const { client, constrained } = await serve([CALL, CALL, CALL]);
    await client.messages.create(ask);
    await client.messages.create({ ...ask, tool_choice: { type: 'any' } });
    await client.messages.create({ ...ask, tool_choice: { type: 'tool', name: 'add' } });
    expect(constrained).toEqual([false, true, true]);
  });

  it('is counted in the prompt', async () => {
    const { client } = await serve([]);
    const { model, messages, tools } = ask;
    const count = async (fields: object): Promise<number> =>
      (await client.messages.countTokens({ model, messages, ...fields })).input_tokens;
    const bare = await count({});
    expect(await count({ tools })).toBeGreaterThan(bare + 20);
    expect(await count({ tools, tool_choice: { type: 'none' } })).toBe(bare);
  });

  it('that fails answers in Anthropic’s shape', async () => {
    const { client } = await serve([]);
    const failed = client.messages.create(ask);
    await expect(failed).rejects.toMatchObject({ status: 500, type: 'api_error' });
  });
});

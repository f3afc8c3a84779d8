import { SAMPLE_MODEL } from '@ringmesh/testing';
import OpenAI from 'openai';
import { zodResponsesFunction } from 'openai/helpers/zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { serveReplies } from '../../testing/scripted-router.js';

const ARGUMENTS = '{"a": 47, "b": 85}';
const CALL = `<tool_call>\n{"name": "add", "arguments": ${ARGUMENTS}}\n</tool_call>`;
const TOOLS: OpenAI.Responses.FunctionTool[] = [
  {
    type: 'function',
    name: 'add',
    description: 'Adds.',
    parameters: { type: 'object', properties: { a: { type: 'number' } } },
    strict: true,
  },
];
const ask = { model: 'scripted', input: 'What is 47 + 85?', tools: TOOLS };

let closing: (() => Promise<void>)[];
beforeEach(() => void (closing = []));
afterEach(async () => {
  for (const close of closing) await close();
});

async function serve(replies: string[]): Promise<{ client: OpenAI; prompts: string[]; constrained: boolean[] }> {
  const { url, prompts, constrained, close } = await serveReplies(SAMPLE_MODEL, replies);
  closing.push(close);
  return { client: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 }), prompts, constrained };
}

describe('function calls', () => {
  it('are items beside thought and text, and the template shows the tools', async () => {
    const { client, prompts } = await serve([`<think>\nI must add.\n</think>\n\nLet me add.\n${CALL}\n${CALL}`]);
    const { output, tools, status } = await client.responses.create(ask);
    expect(status).toBe('completed');
    const call = { type: 'function_call', name: 'add', arguments: ARGUMENTS, call_id: expect.stringMatching(/^call_\w{32}$/) as string };
    expect(output).toMatchObject([
      { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'I must add.' }] },
      { type: 'message', content: [{ type: 'output_text', text: 'Let me add.' }] },
      call,
      call,
    ]);
    expect(new Set(output.map(({ id }) => id)).size).toBe(4);
    expect(tools).toMatchObject([{ name: 'add', strict: false }]);
    expect(prompts[0]).toContain('# Tools{"type": "function", "function": {"name": "add"');
  });

  it('stream, and the client’s helper puts them together', async () => {
    const { client } = await serve([`Let me add.\n${CALL}`]);
    const stream = client.responses.stream(ask);
    const deltas: string[] = [];
    stream.on('response.function_call_arguments.delta', ({ delta }) => deltas.push(delta));
    const { output } = await stream.finalResponse();
    expect(deltas.length).toBeGreaterThan(3);
    expect(deltas.join('')).toBe(ARGUMENTS);
    expect(output).toMatchObject([{ type: 'message' }, { type: 'function_call', name: 'add', arguments: ARGUMENTS }]);
  });

  it('are parsed by the client’s helper for functions', async () => {
    const { client } = await serve([CALL]);
    const add = zodResponsesFunction({ name: 'add', parameters: z.object({ a: z.number(), b: z.number() }) });
    const { output } = await client.responses.parse({ ...ask, tools: [add] });
    expect(output).toMatchObject([{ type: 'function_call', parsed_arguments: { a: 47, b: 85 } }]);
  });

  it.each([true, false])('go round: the result is in the next prompt, with previous_response_id: %s', async (isKept) => {
    const { client, prompts } = await serve([CALL, '47 + 85 = 132']);
    const first = await client.responses.create({ ...ask, store: isKept });
    const call = first.output[0] as OpenAI.Responses.ResponseFunctionToolCall;
    const result = { type: 'function_call_output' as const, call_id: call.call_id, output: '132' };
    const question = { role: 'user' as const, content: ask.input };
    const next = isKept ? { previous_response_id: first.id, input: [result] } : { input: [question, call, result] };
    expect((await client.responses.create({ ...ask, ...next })).output_text).toBe('47 + 85 = 132');
    expect(prompts[1]).toContain(
      `<role>HUMAN</role>What is 47 + 85?<role>ASSISTANT</role>${CALL}<role>OBSERVATION</role><tool_response>132</tool_response>`,
    );
  });

  it('stay text with tool_choice none', async () => {
    const { client, prompts } = await serve([CALL]);
    expect((await client.responses.create({ ...ask, tool_choice: 'none' })).output_text).toBe(CALL);
    expect(prompts[0]).not.toContain('# Tools');
  });

  it('may be limited to one', async () => {
    const { client } = await serve([`${CALL}\n${CALL}`]);
    expect((await client.responses.create({ ...ask, parallel_tool_calls: false })).output).toHaveLength(1);
  });

  it('are forced by masks where they are required', async () => {
    const { client, constrained } = await serve([CALL, CALL, CALL]);
    await client.responses.create(ask);
    const required = await client.responses.create({ ...ask, tool_choice: 'required' });
    const named = await client.responses.create({ ...ask, tool_choice: { type: 'function', name: 'add' } });
    expect(constrained).toEqual([false, true, true]);
    expect([required.tool_choice, named.tool_choice]).toEqual(['required', { type: 'function', name: 'add' }]);
  });

  it('that fail are an error of the server', async () => {
    const { client } = await serve([]);
    await expect(client.responses.create(ask)).rejects.toMatchObject({ status: 500, code: 'engine_failed' });
  });
});

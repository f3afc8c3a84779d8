import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LONG_QUESTION, MODEL, QUESTION, startTestRouter, type TestRouter } from '../openai/test-router.js';

const MESSAGES = '/v1/messages';
const TOOL = { name: 'f', input_schema: { type: 'object' } };

let router: TestRouter;
beforeAll(async () => (router = await startTestRouter()));
afterAll(() => router.close());

interface Expected {
  status?: number;
  type?: string;
  /** What the message begins with. */
  field?: string;
  /** A part of the message. */
  says?: string;
}

async function expectError(answer: Response, { status = 400, type = 'invalid_request_error', field, says = '' }: Expected): Promise<void> {
  const body = (await answer.json()) as { error: { message: string } };
  expect({ status: answer.status, body }).toEqual({
    status,
    body: {
      type: 'error',
      error: { type, message: expect.stringContaining(says) as string },
      request_id: answer.headers.get('request-id'),
    },
  });
  if (field !== undefined) expect(body.error.message.split(': ')[0]).toBe(field);
}

describe('requests for messages with a bad field', () => {
  const user = (content: unknown): unknown => [{ role: 'user', content }];
  const result = { type: 'tool_result', tool_use_id: 't1', content: '1' };
  it.each<[string, object, string | Expected]>([
    ['an unknown model', { model: 'claude' }, { status: 404, type: 'not_found_error', says: MODEL }],
    ['no messages', { messages: undefined }, 'messages'],
    ['empty messages', { messages: [] }, 'messages'],
    ['no max_tokens', { max_tokens: undefined }, 'max_tokens'],
    ['max_tokens 0', { max_tokens: 0 }, 'max_tokens'],
    ['max_tokens beyond the context', { max_tokens: 1024 }, { field: 'max_tokens', says: 'fit' }],
    ['a prompt longer than the context', { messages: user('1 '.repeat(3000)) }, { field: 'messages', says: '1024' }],
    ['a system message', { messages: [{ role: 'system', content: 'x' }] }, { field: 'messages.0.role', says: '"system"' }],
    ['an answer to be continued', { messages: [...QUESTION, { role: 'assistant', content: 'It' }] }, 'messages.1'],
    ['content that is a number', { messages: user(5) }, 'messages.0.content'],
    ['an image', { messages: user([{ type: 'image', source: {} }]) }, { field: 'messages.0.content.0.type', says: '"text"' }],
    ['a thought of the user', { messages: user([{ type: 'thinking', thinking: 'x' }]) }, 'messages.0.content.0.type'],
    ['a block without its text', { messages: user([{ type: 'text' }]) }, 'messages.0.content.0.text'],
    ['a result without its call', { messages: user([result]) }, 'messages.0.content.0.tool_use_id'],
    ['a system of another kind', { system: 5 }, 'system'],
    ['a temperature above 2', { temperature: 2.1 }, 'temperature'],
    ['top_k -1', { top_k: -1 }, 'top_k'],
    ['an empty stop sequence', { stop_sequences: [''] }, 'stop_sequences.0'],
    ['too many stop sequences', { stop_sequences: Array(17).fill('x') }, 'stop_sequences'],
    ['a thought as long as the answer', { thinking: { type: 'enabled', budget_tokens: 100 } }, 'thinking.budget_tokens'],
    ['a thought without a budget', { thinking: { type: 'enabled' } }, 'thinking.budget_tokens'],
    ['thinking between tools', { thinking: { type: 'between_tools' } }, { field: 'thinking.type', says: 'adaptive' }],
    ['a tool that the template cannot show', { tools: [TOOL] }, { field: 'tools', says: 'template' }],
    ['a tool of the server', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools.0.type'],
    ['a tool without a schema', { tools: [{ name: 'f' }] }, 'tools.0.input_schema'],
    ['a required tool without tools', { tool_choice: { type: 'any' } }, { field: 'tool_choice', says: 'needs tools' }],
    ['a tool that is not there', { tools: [TOOL], tool_choice: { type: 'tool', name: 'g' } }, { field: 'tool_choice', says: 'among' }],
    ['a made-up format', { output_config: { format: { type: 'yaml', schema: {} } } }, 'output_config.format.type'],
    [
      'a schema that is none',
      { output_config: { format: { type: 'json_schema', schema: { type: 'circle' } } } },
      { field: 'output_config.format', says: '"type" must be' },
    ],
    ['an MCP server', { mcp_servers: [{ url: 'x' }] }, 'mcp_servers'],
    ['a container', { container: 'x' }, 'container'],
    ['a field of another API', { max_completion_tokens: 5 }, { field: 'max_completion_tokens', says: 'no such field' }],
  ])('%s', async (_, fields, expected) => {
    const body = { model: MODEL, messages: QUESTION, max_tokens: 100, ...fields };
    await expectError(await router.post(MESSAGES, body), typeof expected === 'string' ? { field: expected } : expected);
  });

  it('streams refuse as plain errors too', async () => {
    await expectError(await router.post(MESSAGES, { model: MODEL, messages: QUESTION, stream: true }), { field: 'max_tokens' });
  });

  it('count_tokens refuses the same', async () => {
    await expectError(await router.post(`${MESSAGES}/count_tokens`, { messages: [] }), { field: 'messages' });
    await expectError(await router.post(`${MESSAGES}/count_tokens`, { messages: QUESTION, max_tokens: 5 }), { field: 'max_tokens' });
  });
});

describe('what is no request for messages', () => {
  it.each<[string, string, Expected]>([
    ['broken JSON', '{"model": ', { says: 'JSON' }],
    ['nothing', '', { says: 'empty' }],
    ['10 MB', JSON.stringify({ system: 'a'.repeat(10_000_000) }), { status: 413, type: 'request_too_large', says: 'bytes' }],
  ])('%s', async (_, body, expected) => {
    await expectError(await router.post(MESSAGES, body), expected);
  });

  it('a wrong method or path is told in the same shape', async () => {
    const wrong = await fetch(`${router.url}${MESSAGES}?beta=true`);
    expect(wrong.headers.get('allow')).toBe('POST');
    await expectError(wrong, { status: 405, says: 'POST' });
    await expectError(await fetch(`${router.url}${MESSAGES}/batches`), { status: 404, type: 'not_found_error' });
    await expectError(await fetch(`${router.url}${MESSAGES}/%zz`), {});
  });

  it('changes nothing for fields that change nothing', async () => {
    const ignored = {
      metadata: { user_id: 'me' },
      service_tier: 'auto',
      cache_control: { type: 'ephemeral' },
      speed: 'standard',
      tools: [],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      output_config: { effort: 'high' },
      stop_sequences: [],
      container: null,
    };
    const answer = await router.post(MESSAGES, { model: MODEL, messages: QUESTION, max_tokens: 1, ...ignored });
    expect(answer.status).toBe(200);
  });

  it('clients get their own classes of errors', async () => {
    const client = new Anthropic({ baseURL: router.url, apiKey: 'none', maxRetries: 0 });
    const refused = client.messages.create({ model: MODEL, max_tokens: 0, messages: QUESTION });
    await expect(refused).rejects.toBeInstanceOf(Anthropic.BadRequestError);
    await expect(refused).rejects.toMatchObject({ type: 'invalid_request_error', requestID: expect.any(String) as string });
    await expect(client.messages.create({ model: 'x', max_tokens: 1, messages: QUESTION })).rejects.toBeInstanceOf(Anthropic.NotFoundError);
  });

  it('is held to API keys and to what may wait, as other requests are', async () => {
    const guarded = await startTestRouter({ apiKey: ['sk-one'], maxNumSeqs: '1', maxNumQueuedTokens: '1' });
    try {
      const client = (apiKey: string): Anthropic => new Anthropic({ baseURL: guarded.url, apiKey, maxRetries: 0 });
      const ask = { model: MODEL, max_tokens: 5, messages: QUESTION };
      await expect(client('sk-two').messages.create(ask)).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
      await expect(client('sk-two').messages.countTokens({ model: MODEL, messages: QUESTION })).rejects.toMatchObject({
        status: 401,
        type: 'authentication_error',
      });
      // One runs, one may wait whatever its length, and there is no room for a third.
      const three = [1, 2, 3].map(() => client('sk-one').messages.create({ ...ask, max_tokens: 200 }));
      const refused = (await Promise.allSettled(three)).filter((answer) => answer.status === 'rejected');
      expect(refused).not.toHaveLength(0);
      const error = refused[0]!.reason as InstanceType<typeof Anthropic.RateLimitError>;
      expect(error).toBeInstanceOf(Anthropic.RateLimitError);
      expect(error.type).toBe('rate_limit_error');
      expect(Number(error.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    } finally {
      await guarded.close();
    }
  });

  it('a server without thoughts says so, and one that ends is overloaded', async () => {
    const plain = await startTestRouter({ reasoningParser: 'none', shutdownTimeout: '0' });
    const ask = { model: MODEL, messages: QUESTION, max_tokens: 100 };
    await expectError(await plain.post(MESSAGES, { ...ask, thinking: { type: 'adaptive' } }), {
      field: 'thinking',
      says: '--reasoning-parser',
    });
    expect((await plain.post(MESSAGES, { ...ask, thinking: { type: 'disabled' } })).status).toBe(200);
    const stream = await plain.post(MESSAGES, { ...ask, messages: LONG_QUESTION, max_tokens: 900, stream: true });
    const [text] = await Promise.all([stream.text(), plain.close()]);
    const last = text.trim().split('\n\n').at(-1)!;
    expect(last).toMatch(/^event: error\ndata: \{"type":"error","error":\{"type":"overloaded_error"/);
  });
});

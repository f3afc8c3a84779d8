import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { until } from '@ringmesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { collect, LONG_QUESTION, MODEL, QUESTION, startTestRouter, type TestRouter } from '../openai/test-router.js';

const ABORTED = `vllm:request_success_total{model_name="${MODEL}",engine="0",finished_reason="abort"}`;
const ANSWER = '47 + 85 = 132';

let router: TestRouter;
let client: Anthropic;
beforeAll(async () => {
  router = await startTestRouter();
  client = new Anthropic({ baseURL: router.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => router.close());

const ask = { model: MODEL, messages: QUESTION, temperature: 0, max_tokens: 200 };
const THINKING = { type: 'adaptive' } as const;

function textOf({ content }: Anthropic.Message): string {
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

function thoughtOf({ content }: Anthropic.Message): string {
  return content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join('');
}

const untilAborted = (count: number): Promise<number> =>
  until(
    () => router.metric(ABORTED),
    (aborted) => aborted === count,
  );

describe('messages', () => {
  it('are answered; thoughts that nobody asked for are counted and kept back', async () => {
    const message = await client.messages.create(ask);
    expect(message).toMatchObject({
      id: expect.stringMatching(/^msg_\w{32}$/) as string,
      type: 'message',
      role: 'assistant',
      model: MODEL,
      content: [{ type: 'text', text: ANSWER }],
      stop_reason: 'end_turn',
      stop_sequence: null,
    });
    expect(message.usage.output_tokens_details!.thinking_tokens).toBeGreaterThan(5);
    expect(message.usage.output_tokens).toBeGreaterThan(message.usage.output_tokens_details!.thinking_tokens);
    expect(message._request_id).toMatch(/^[\da-f-]{36}$/);
  });

  it('stream the same: events in Anthropic’s order, which the helper puts together', async () => {
    const whole = await client.messages.create({ ...ask, thinking: THINKING });
    expect(whole.content.map(({ type }) => type)).toEqual(['thinking', 'text']);
    const stream = client.messages.stream({ ...ask, thinking: THINKING });
    const thoughts: string[] = [];
    stream.on('thinking', (piece) => thoughts.push(piece));
    const types: string[] = [];
    for await (const { type } of stream) types.push(type);
    const final = await stream.finalMessage();
    expect({ ...final, id: whole.id }).toMatchObject({ content: whole.content, usage: whole.usage, stop_reason: 'end_turn' });
    expect(thoughts.length).toBeGreaterThan(5);
    expect(thoughts.join('')).toBe(thoughtOf(whole));
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
      'message_start',
      ...['content_block_start', 'content_block_delta', 'content_block_stop'],
      ...['content_block_start', 'content_block_delta', 'content_block_stop'],
      'message_delta',
      'message_stop',
    ]);
    const raw = await collect(await client.messages.create({ ...ask, stream: true }));
    expect(raw[0]).toMatchObject({ type: 'message_start', message: { content: [], usage: { output_tokens: 0 } } });
    expect(raw.at(-2)).toMatchObject({ type: 'message_delta', usage: { output_tokens: whole.usage.output_tokens } });
  });

  it('name their events, and ping', async () => {
    const answer = await router.post('/v1/messages', { ...ask, stream: true }, { 'anthropic-version': '2023-06-01' });
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = (await answer.text()).trim().split('\n\n');
    for (const event of events) expect(event).toMatch(/^event: (\w+)\ndata: \{"type":"\1"/);
    expect(events[1]).toBe('event: ping\ndata: {"type":"ping"}');
  });

  it('think as much as they may', async () => {
    const budget = await client.messages.create({ ...ask, thinking: { type: 'enabled', budget_tokens: 8 } });
    expect(budget.usage.output_tokens_details!.thinking_tokens).toBeLessThanOrEqual(8);
    expect(thoughtOf(budget)).not.toBe('');
    expect(textOf(budget)).not.toBe('');
    const none = await client.messages.create({ ...ask, thinking: { type: 'disabled' } });
    expect(none.usage.output_tokens_details!.thinking_tokens).toBe(0);
    expect(none.content.map(({ type }) => type)).toEqual(['text']);
    const omitted = await client.messages.create({ ...ask, thinking: { type: 'adaptive', display: 'omitted' } });
    expect(omitted.content).toMatchObject([{ type: 'text', text: ANSWER }]);
  });

  it('end at max_tokens and at stop sequences', async () => {
    const cut = await client.messages.create({ ...ask, max_tokens: 5, thinking: THINKING });
    expect(cut).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 5 }, content: [{ type: 'thinking' }] });
    const stopped = await client.messages.create({ ...ask, stop_sequences: [' = ', 'never'] });
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: ' = ', content: [{ type: 'text', text: '47 + 85' }] });
    expect(await client.messages.stream({ ...ask, stop_sequences: [' = '] }).finalMessage()).toMatchObject({ stop_sequence: ' = ' });
  });

  it('are held to a schema, after the thought', async () => {
    const schema = { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'] };
    const body = { ...ask, output_config: { format: { type: 'json_schema' as const, schema } } };
    const whole = await client.messages.create(body);
    expect(JSON.parse(textOf(whole))).toEqual({ sum: expect.any(Number) as number });
    expect(whole.stop_reason).toBe('end_turn');
    expect(textOf(await client.messages.stream(body).finalMessage())).toBe(textOf(whole));
    const parsed = await client.messages.parse({ ...ask, output_config: { format: zodOutputFormat(z.object({ sum: z.int() })) } });
    expect(parsed.parsed_output).toEqual({ sum: expect.any(Number) as number });
  });

  it('are the conversation of a chat with the same words', async () => {
    const tokens = async (messages: unknown): Promise<number> =>
      ((await (await router.post('/tokenize', { messages })).json()) as { count: number }).count;
    const { input_tokens } = await client.messages.countTokens({
      model: MODEL,
      system: 'You add.',
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm.', signature: '' },
            { type: 'text', text: 'b' },
          ],
        },
        { role: 'user', content: 'c' },
      ],
    });
    expect(input_tokens).toBe(
      await tokens([
        { role: 'system', content: 'You add.' },
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b', reasoning_content: 'Hm.' },
        { role: 'user', content: 'c' },
      ]),
    );
    const { usage } = await client.messages.create({ ...ask, max_tokens: 1 });
    expect(usage.input_tokens).toBe((await client.messages.countTokens({ model: MODEL, messages: QUESTION })).input_tokens);
  });

  it('whose client leaves are freed at once', async () => {
    const aborted = await router.metric(ABORTED);
    const long = { ...ask, max_tokens: 900, messages: LONG_QUESTION };
    const stream = await client.messages.create({ ...long, stream: true });
    for await (const { type } of stream) {
      expect(type).toBe('message_start');
      break; // which closes the connection
    }
    await untilAborted(aborted + 1);
    const helper = client.messages.stream(long);
    await new Promise<void>((resolve) => helper.once('streamEvent', () => resolve()));
    helper.abort();
    await expect(helper.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);
    await untilAborted(aborted + 2);
    expect(await router.metric(`vllm:kv_cache_usage_perc{model_name="${MODEL}",engine="0"}`)).toBe(0);
  });
});

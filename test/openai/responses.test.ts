import { until } from '@ringmesh/testing';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { collect, MODEL, startTestRouter, type TestRouter } from './test-router.js';

type Response = OpenAI.Responses.Response;

const ABORTED = `vllm:request_success_total{model_name="${MODEL}",engine="0",finished_reason="abort"}`;
const INPUT = 'What is 47 + 85?';
const ANSWER = '47 + 85 = 132';
const ask = { model: MODEL, input: INPUT, temperature: 0 };
/** Goes on for as long as the context allows. */
const LONG = { ...ask, max_output_tokens: 900, ignore_eos: true };

let router: TestRouter;
let client: OpenAI;
beforeAll(async () => {
  router = await startTestRouter();
  ({ client } = router);
});
afterAll(() => router.close());

const untilAborted = (count: number): Promise<number> =>
  until(
    () => router.metric(ABORTED),
    (aborted) => aborted === count,
  );

const untilEnded = (id: string): Promise<Response> =>
  until(
    () => client.responses.retrieve(id),
    ({ status }) => status !== 'queued' && status !== 'in_progress',
  );

describe('responses', () => {
  it('are items: the thought, then the answer', async () => {
    const response = await client.responses.create({ ...ask, metadata: { a: 'b' }, instructions: null });
    expect(response).toMatchObject({
      id: expect.stringMatching(/^resp_\w{32}$/) as string,
      object: 'response',
      status: 'completed',
      model: MODEL,
      error: null,
      incomplete_details: null,
      metadata: { a: 'b' },
      temperature: 0,
      tool_choice: 'auto',
      tools: [],
      output_text: ANSWER,
      output: [
        { type: 'reasoning', status: 'completed', summary: [], content: [{ type: 'reasoning_text' }] },
        { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: ANSWER, annotations: [] }] },
      ],
    });
    const { input_tokens, output_tokens, output_tokens_details, total_tokens } = response.usage!;
    const chat = await client.chat.completions.create({ model: MODEL, temperature: 0, messages: [{ role: 'user', content: INPUT }] });
    expect([input_tokens, output_tokens]).toEqual([chat.usage!.prompt_tokens, chat.usage!.completion_tokens]);
    expect(output_tokens_details.reasoning_tokens).toBe(chat.usage!.completion_tokens_details!.reasoning_tokens);
    expect(total_tokens).toBe(input_tokens + output_tokens);
  });

  it('stream the same in numbered events, which the helper puts together', async () => {
    const whole = await client.responses.create(ask);
    const events = await collect(await client.responses.create({ ...ask, stream: true }));
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    const types = events.map(({ type }) => type.slice('response.'.length));
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
      ...['created', 'in_progress'],
      ...[
        'output_item.added',
        'content_part.added',
        'reasoning_text.delta',
        'reasoning_text.done',
        'content_part.done',
        'output_item.done',
      ],
      ...['output_item.added', 'content_part.added', 'output_text.delta', 'output_text.done', 'content_part.done', 'output_item.done'],
      'completed',
    ]);
    const stream = client.responses.stream(ask);
    const deltas: string[] = [];
    stream.on('response.output_text.delta', ({ delta }) => deltas.push(delta));
    const final = await stream.finalResponse();
    expect(deltas.join('')).toBe(ANSWER);
    expect(deltas.length).toBeGreaterThan(3);
    expect(final.output_text).toBe(ANSWER);
    expect(final.usage).toEqual(whole.usage);
    const contents = ({ output }: Response): unknown[] => output.map((item) => 'content' in item && item.content);
    expect(contents(final)).toMatchObject(contents(whole));
    expect(contents((events.at(-1) as OpenAI.Responses.ResponseCompletedEvent).response)).toEqual(contents(whole));
  });

  it('name their events', async () => {
    const answer = await router.post('/v1/responses', { ...ask, max_output_tokens: 1, stream: true });
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = (await answer.text()).trim().split('\n\n');
    for (const event of events) expect(event).toMatch(/^event: ([\w.]+)\ndata: \{"type":"\1"/);
  });

  it('are incomplete at max_output_tokens, streaming or not', async () => {
    const body = { ...ask, max_output_tokens: 5 };
    const expected = {
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ type: 'reasoning', status: 'incomplete' }],
      usage: { output_tokens: 5 },
    };
    expect(await client.responses.create(body)).toMatchObject(expected);
    const events = await collect(await client.responses.create({ ...body, stream: true }));
    expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: expected });
  });

  it('think as much as they may, and stop where they are told', async () => {
    const brief = await client.responses.create({ ...ask, max_reasoning_tokens: 6 } as typeof ask);
    expect(brief.usage!.output_tokens_details.reasoning_tokens).toBeLessThanOrEqual(6);
    expect(brief.output.at(-1)).toMatchObject({ type: 'message' });
    const stopped = await client.responses.create({ ...ask, stop: ' = ' } as typeof ask);
    expect(stopped).toMatchObject({ status: 'completed', output_text: '47 + 85' });
  });

  it('are held to a schema, after the thought', async () => {
    const schema = { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'] };
    const body = { ...ask, text: { format: { type: 'json_schema' as const, name: 'answer', schema } } };
    const response = await client.responses.create(body);
    expect(JSON.parse(response.output_text)).toEqual({ sum: expect.any(Number) as number });
    expect(response.text!.format).toEqual(body.text.format);
    expect(response.output[0]!.type).toBe('reasoning');
    expect((await client.responses.stream(body).finalResponse()).output_text).toBe(response.output_text);
    const parsed = await client.responses.parse({ ...ask, text: { format: zodTextFormat(z.object({ sum: z.int() }), 'answer') } });
    expect(parsed.output_parsed).toEqual({ sum: expect.any(Number) as number });
  });

  it('take the conversation as items, the same as a chat', async () => {
    const messages = [
      { role: 'system' as const, content: 'You add.' },
      { role: 'user' as const, content: 'a' },
      { role: 'assistant' as const, content: 'b' },
      { role: 'user' as const, content: 'c' },
    ];
    const chat = await client.chat.completions.create({ model: MODEL, messages, max_completion_tokens: 1 });
    const [system, ...input] = messages;
    const parts = input.map((item) => ({
      ...item,
      content: [{ type: item.role === 'user' ? 'input_text' : 'output_text', text: item.content }],
    }));
    for (const items of [input, parts as unknown as typeof input]) {
      const { usage } = await client.responses.create({ model: MODEL, instructions: system!.content, input: items, max_output_tokens: 1 });
      expect(usage!.input_tokens).toBe(chat.usage!.prompt_tokens);
    }
  });

  it('whose client leaves are freed at once, and not kept', async () => {
    const aborted = await router.metric(ABORTED);
    const stream = await client.responses.create({ ...LONG, stream: true });
    let id = '';
    for await (const event of stream) {
      id = (event as OpenAI.Responses.ResponseCreatedEvent).response.id;
      break; // which closes the connection
    }
    await untilAborted(aborted + 1);
    await expect(client.responses.retrieve(id)).rejects.toMatchObject({ status: 404, code: 'response_not_found' });
    const helper = client.responses.stream(LONG);
    await new Promise<void>((resolve) => helper.once('response.in_progress', () => resolve()));
    helper.abort();
    await expect(helper.finalResponse()).rejects.toThrow('abort');
    await untilAborted(aborted + 2);
    expect(await router.metric(`vllm:kv_cache_usage_perc{model_name="${MODEL}",engine="0"}`)).toBe(0);
  });
});

describe('responses that are kept', () => {
  it('can be retrieved until they are deleted', async () => {
    const response = await client.responses.create(ask);
    expect(await client.responses.retrieve(response.id)).toEqual(response);
    const streamed = await client.responses.stream(ask).finalResponse();
    expect((await client.responses.retrieve(streamed.id)).output).toEqual((await client.responses.retrieve(streamed.id)).output);
    expect((await client.responses.retrieve(streamed.id)).output_text).toBe(ANSWER);
    await client.responses.delete(response.id);
    for (const gone of [client.responses.retrieve(response.id), client.responses.delete(response.id)]) {
      await expect(gone).rejects.toMatchObject({ status: 404, code: 'response_not_found' });
    }
  });

  it('are not where the client does not want it', async () => {
    const response = await client.responses.create({ ...ask, store: false });
    expect(response).toMatchObject({ store: false });
    await expect(client.responses.retrieve(response.id)).rejects.toMatchObject({ status: 404 });
  });

  it('go on: the conversation is the prompt, the instructions are not', async () => {
    const first = await client.responses.create({ ...ask, instructions: 'You add.' });
    const second = await client.responses.create({ ...ask, input: 'And 1 + 2?', previous_response_id: first.id });
    expect(second.previous_response_id).toBe(first.id);
    const messages = [
      { role: 'user' as const, content: INPUT },
      { role: 'assistant' as const, content: ANSWER },
      { role: 'user' as const, content: 'And 1 + 2?' },
    ];
    const chat = await client.chat.completions.create({ model: MODEL, temperature: 0, messages });
    expect(second.usage!.input_tokens).toBe(chat.usage!.prompt_tokens);
    expect(second.output_text).toBe(chat.choices[0]!.message.content);
    const third = await client.responses.create({ ...ask, previous_response_id: second.id, max_output_tokens: 1 });
    expect(third.usage!.input_tokens).toBeGreaterThan(second.usage!.input_tokens);
  });

  it('tell their input, a page at a time', async () => {
    const input = ['a', 'b', 'c'].map((content) => ({ role: 'user' as const, content }));
    const { id } = await client.responses.create({ ...ask, input, max_output_tokens: 1 });
    const texts: string[] = [];
    for await (const item of client.responses.inputItems.list(id, { limit: 2, order: 'asc' })) {
      expect(item).toMatchObject({ type: 'message', role: 'user', status: 'completed', id: expect.stringMatching(/^msg_/) as string });
      texts.push((item as OpenAI.Responses.ResponseInputMessageItem).content.map((part) => 'text' in part && part.text).join(''));
    }
    expect(texts).toEqual(['a', 'b', 'c']);
    expect((await client.responses.inputItems.list(id)).data.map((item) => 'content' in item && item.content)[0]).toMatchObject([
      { text: 'c' },
    ]);
  });
});

describe('background responses', () => {
  it('are answered at once, and are there when they have ended', async () => {
    const response = await client.responses.create({ ...ask, background: true });
    expect(['queued', 'in_progress']).toContain(response.status);
    expect(response).toMatchObject({ output: [], background: true });
    expect(await untilEnded(response.id)).toMatchObject({ status: 'completed', output_text: ANSWER });
    expect((await client.responses.cancel(response.id)).status).toBe('completed');
  });

  it('can be cancelled, which frees them, and deleted', async () => {
    const aborted = await router.metric(ABORTED);
    const ids = await Promise.all([1, 2].map(async () => (await client.responses.create({ ...LONG, background: true })).id));
    await Promise.all(
      ids.map((id) =>
        until(
          () => client.responses.retrieve(id),
          ({ status }) => status === 'in_progress',
        ),
      ),
    );
    const refused = client.responses.create({ ...ask, previous_response_id: ids[0]! });
    await expect(refused).rejects.toMatchObject({
      status: 400,
      param: 'previous_response_id',
      message: expect.stringContaining('in_progress') as string,
    });
    expect((await client.responses.cancel(ids[0]!)).status).toBe('cancelled');
    await client.responses.delete(ids[1]!);
    await untilAborted(aborted + 2);
    expect((await client.responses.retrieve(ids[0]!)).status).toBe('cancelled');
    await expect(client.responses.retrieve(ids[1]!)).rejects.toMatchObject({ status: 404 });
    const followed = client.responses.create({ ...ask, previous_response_id: ids[0]! });
    await expect(followed).rejects.toMatchObject({ status: 400, param: 'previous_response_id' });
  });

  it('are refused like others where too much waits', async () => {
    const busy = await startTestRouter({ maxNumSeqs: '1', maxNumQueuedRequests: '1' });
    const { responses } = busy.client;
    try {
      const running = await responses.create({ ...LONG, background: true });
      await until(
        () => responses.retrieve(running.id),
        ({ status }) => status === 'in_progress',
      );
      const waiting = await responses.create({ ...LONG, background: true });
      expect(waiting.status).toBe('queued');
      await expect(responses.create({ ...LONG, background: true })).rejects.toMatchObject({ status: 429, code: 'queue_full' });
      for (const { id } of [running, waiting]) expect((await responses.cancel(id)).status).toBe('cancelled');
    } finally {
      await busy.close();
    }
  });

  it('do not keep a server from ending', async () => {
    const closing = await startTestRouter({ shutdownTimeout: '0' });
    const { id } = await closing.client.responses.create({ ...LONG, background: true });
    await until(
      () => closing.client.responses.retrieve(id),
      ({ status }) => status === 'in_progress',
    );
    await closing.close(); // and does not hang
  });
});

const format = (schema: object): object => ({ type: 'json_schema', name: 'answer', schema });

describe('requests for responses that are refused', () => {
  const output = { type: 'function_call_output', call_id: 'c1', output: '1' };
  it.each<[string, object, string | { status?: number; code?: string; param?: string | null; says?: string }]>([
    ['an unknown model', { model: 'gpt-5' }, { status: 404, code: 'model_not_found', param: 'model' }],
    ['no input', { input: undefined }, 'input'],
    ['an empty list', { input: [] }, 'input'],
    ['an input that is a number', { input: 5 }, { param: 'input', says: 'list of items' }],
    ['content that is a number', { input: [{ role: 'user', content: 5 }] }, { param: 'input.0.content', says: 'parts' }],
    ['too many items', { input: Array(1025).fill({ role: 'user', content: 'a' }) }, 'input'],
    ['a made-up role', { input: [{ role: 'boss', content: 'a' }] }, { param: 'input.0.role', says: 'developer' }],
    [
      'an image',
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] },
      { param: 'input.0.content.0.type', says: 'input_text' },
    ],
    ['an item of another kind', { input: [{ type: 'web_search_call' }] }, { param: 'input.0.type', says: 'function_call' }],
    ['a reference', { input: [{ type: 'item_reference', id: 'x' }] }, { param: 'input.0.type', says: 'previous_response_id' }],
    ['an output without its call', { input: [output] }, { param: 'input.0.call_id', says: 'c1' }],
    ['an encrypted thought', { input: [{ type: 'reasoning', summary: [], encrypted_content: 'x' }] }, 'input.0.encrypted_content'],
    ['too long an input', { input: '1 '.repeat(3000) }, { code: 'context_length_exceeded', param: 'input', says: '1024' }],
    ['max_output_tokens beyond', { max_output_tokens: 1024 }, { code: 'context_length_exceeded', param: 'max_output_tokens' }],
    ['a temperature above 2', { temperature: 3 }, 'temperature'],
    [
      'a response that is not kept',
      { previous_response_id: 'resp_1' },
      { code: 'previous_response_not_found', param: 'previous_response_id' },
    ],
    ['background streams', { background: true, stream: true }, { param: 'stream', says: 'GET' }],
    ['background without a store', { background: true, store: false }, 'store'],
    ['too much metadata', { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, 'v'])) }, 'metadata'],
    ['a tool of the server', { tools: [{ type: 'web_search' }] }, { param: 'tools.0.type', says: 'function' }],
    ['tools that the template cannot show', { tools: [{ type: 'function', name: 'f' }] }, { param: 'tools', says: 'template' }],
    ['a required tool without tools', { tool_choice: 'required' }, { param: 'tool_choice', says: 'needs tools' }],
    ['a tool that is not there', { tool_choice: { type: 'function', name: 'f' } }, { param: 'tool_choice', says: 'among' }],
    ['a made-up format', { text: { format: { type: 'yaml' } } }, { param: 'text.format.type', says: 'json_schema' }],
    [
      'a schema that is none',
      { text: { format: format({ type: 'circle' }) } },
      { code: 'grammar_invalid', param: 'text.format', says: '"type" must be' },
    ],
    ['a summary', { reasoning: { summary: 'detailed' } }, { param: 'reasoning.summary', says: 'not supported' }],
    ['log probabilities', { top_logprobs: 2 }, 'top_logprobs'],
    ['a conversation', { conversation: 'conv_1' }, 'conversation'],
    ['a stored prompt', { prompt: { id: 'x' } }, 'prompt'],
    ['truncation', { truncation: 'auto' }, 'truncation'],
    ['stream_options without stream', { stream_options: {} }, 'stream_options'],
    ['a field of another API', { messages: [] }, { param: 'messages', says: 'no such field' }],
  ])('%s', async (_, fields, expected) => {
    const { status = 400, code = 'invalid_request', param, says = '' } = typeof expected === 'string' ? { param: expected } : expected;
    const answer = await router.post('/v1/responses', { ...ask, ...fields });
    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status,
      body: { error: { message: expect.stringContaining(says) as string, type: 'invalid_request_error', param, code } },
    });
  });

  it('changes nothing for fields that change nothing', async () => {
    const ignored = {
      user: 'me',
      safety_identifier: 'x',
      prompt_cache_key: 'x',
      service_tier: 'auto',
      include: ['reasoning.encrypted_content'],
      truncation: 'disabled',
      text: { format: { type: 'text' } },
      reasoning: { effort: 'high', summary: 'auto' },
      parallel_tool_calls: false,
      tools: [],
      top_logprobs: 0,
      max_tool_calls: 1,
      conversation: null,
    };
    const answer = await router.post('/v1/responses', { ...ask, max_output_tokens: 1, ...ignored });
    expect(answer.status).toBe(200);
  });

  it('of responses that are kept', async () => {
    await expect(client.responses.cancel('resp_x')).rejects.toMatchObject({ status: 404, code: 'response_not_found' });
    const { id } = await client.responses.create({ ...ask, max_output_tokens: 1 });
    await expect(client.responses.cancel(id)).rejects.toMatchObject({ status: 400, code: 'invalid_request' });
    const url = `${router.url}/v1/responses/${id}`;
    for (const [path, param] of [
      ['?stream=true', 'stream'],
      ['/input_items?limit=0', 'limit'],
      ['/input_items?order=up', 'order'],
      ['/input_items?after=x', 'after'],
    ] as const) {
      const answer = await fetch(url + path);
      expect({ status: answer.status, body: await answer.json() }).toMatchObject({ status: 400, body: { error: { param } } });
    }
  });

  it('of another API key', async () => {
    const guarded = await startTestRouter({ apiKey: ['sk-one-0123456789', 'sk-two-0123456789'] }, { waitUntilReady: true });
    try {
      const [one, two] = ['sk-one-0123456789', 'sk-two-0123456789'].map((apiKey) => {
        return new OpenAI({ baseURL: `${guarded.url}/v1`, apiKey, maxRetries: 0 });
      }) as [OpenAI, OpenAI];
      const { id } = await one.responses.create({ ...ask, max_output_tokens: 1 });
      const running = await one.responses.create({ ...LONG, background: true });
      for (const hidden of [id, running.id]) {
        await expect(two.responses.retrieve(hidden)).rejects.toMatchObject({ status: 404 });
        await expect(two.responses.cancel(hidden)).rejects.toMatchObject({ status: 404 });
        await expect(two.responses.delete(hidden)).rejects.toMatchObject({ status: 404 });
      }
      const followed = two.responses.create({ ...ask, previous_response_id: id });
      await expect(followed).rejects.toMatchObject({ status: 400, code: 'previous_response_not_found' });
      expect((await one.responses.retrieve(id)).id).toBe(id);
      expect((await one.responses.cancel(running.id)).status).toBe('cancelled');
    } finally {
      await guarded.close();
    }
  });

  it('where the server keeps none: what needs it', async () => {
    const forgetful = await startTestRouter({ responsesStoreSize: '0' });
    try {
      expect(await forgetful.client.responses.create(ask)).toMatchObject({ store: false, output_text: ANSWER });
      for (const [fields, param] of [
        [{ store: true }, 'store'],
        [{ background: true }, 'background'],
      ] as const) {
        await expect(forgetful.client.responses.create({ ...ask, ...fields })).rejects.toMatchObject({ status: 400, param });
      }
    } finally {
      await forgetful.close();
    }
  });
});

import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packedModel, SAMPLE_MODEL } from '@ringmesh/testing';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SCHEMAS } from './structured-schemas.js';
import { collect, MODEL, QUESTION, startTestRouter, type TestRouter } from './test-router.js';

type Fields = Record<string, unknown>;

const ajv = new Ajv2020({ strict: false, multipleOfPrecision: 6 });
addFormats.default(ajv);

/** As ring-mid's: shows tools, and the prompt ends within the thought. */
const TEMPLATE =
  '{% if tools %}<role>SYSTEM</role>{% for t in tools %}{{ t | tojson }}{% endfor %}{% endif %}' +
  "{% for m in messages %}<role>{{ 'HUMAN' if m.role == 'user' else m.role | upper }}</role>{{ m.content }}{% endfor %}" +
  "<role>ASSISTANT</role>{{ '<think>\\n' }}";

/** What the client's types do not know. */
interface Thinking {
  reasoning_content?: string;
}

let dir: string;
let router: TestRouter;
let opening: TestRouter;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ringmesh-structured-'));
  await cp(SAMPLE_MODEL, join(dir, MODEL), { recursive: true });
  await writeFile(join(dir, MODEL, 'chat_template.jinja'), TEMPLATE);
  router = await startTestRouter();
  opening = await startTestRouter({ pack: await packedModel(join(dir, MODEL)) });
});
afterAll(async () => {
  await Promise.all([router.close(), opening.close()]);
  await rm(dir, { recursive: true });
});

const ask = { model: MODEL, messages: QUESTION, temperature: 1, seed: 7 };

async function create(fields: Fields, on = router): Promise<OpenAI.ChatCompletion.Choice> {
  const body = { ...ask, ...fields } as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming;
  return (await on.client.chat.completions.create(body)).choices[0]!;
}

function expectValid(schema: object, text: string): void {
  const validate = ajv.compile(schema);
  expect(validate(JSON.parse(text)), `${text}: ${ajv.errorsText(validate.errors)}`).toBe(true);
}

describe('a JSON schema', () => {
  it.each(Object.entries(SCHEMAS))('of %s is fulfilled, greedy or not, streamed or not', async (name, schema) => {
    const response_format = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: { ...schema } } } as const;
    for (const temperature of [0, 1]) {
      const { message, finish_reason } = await create({ temperature, response_format });
      expect(finish_reason, name).toBe('stop');
      expectValid(schema, message.content!);
      const stream = await router.client.chat.completions.create({ ...ask, temperature, response_format, stream: true });
      const pieces = (await collect(stream)).map(({ choices }) => choices[0]?.delta.content ?? '');
      expect(pieces.join('')).toBe(message.content);
    }
  });

  it('is fulfilled by many requests at once', async () => {
    const schemas = Object.values(SCHEMAS);
    const choices = await Promise.all(schemas.map((schema, seed) => create({ seed, guided_json: schema })));
    for (const [index, { message }] of choices.entries()) expectValid(schemas[index]!, message.content!);
  });

  it('of zod is fulfilled and parsed by the client', async () => {
    const Event = z.object({
      name: z.string().max(8),
      day: z.enum(['Monday', 'Friday']),
      seats: z.int().min(1).max(500),
      host: z.object({ email: z.email().max(20), age: z.number().min(18).max(99).nullable() }),
      tags: z.array(z.string().min(1).max(4)).max(2),
    });
    const completion = await router.client.chat.completions.parse({ ...ask, response_format: zodResponseFormat(Event, 'event') });
    const { parsed } = completion.choices[0]!.message;
    expect(Event.parse(parsed)).toEqual(parsed);
  });

  it.each(['structured_outputs', 'guided_json'])('comes in %s, as an object or as text, of texts too', async (field) => {
    const schema = SCHEMAS['a sentiment']!;
    for (const json of [schema, JSON.stringify(schema)]) {
      const value = field === 'guided_json' ? json : { json };
      expectValid(schema, (await create({ [field]: value })).message.content!);
      const body = { model: MODEL, prompt: 'A', max_tokens: 200, [field]: value } as unknown as OpenAI.CompletionCreateParamsNonStreaming;
      expectValid(schema, (await router.client.completions.create(body)).choices[0]!.text);
    }
  });
});

describe('a thought before the answer', () => {
  const schema = { type: 'object', properties: { sum: { type: 'integer', minimum: 0, maximum: 999 } }, required: ['sum'] };

  it('is what it would be without a mask', async () => {
    const free = (await create({ temperature: 0 })).message as Thinking;
    const { message } = await create({ temperature: 0, guided_json: schema });
    expect((message as Thinking).reasoning_content).toBe(free.reasoning_content);
    expectValid(schema, message.content!);
  });

  it('may be cut off by a budget', async () => {
    for (const max_reasoning_tokens of [0, 1, 6])
      expectValid(schema, (await create({ guided_json: schema, max_reasoning_tokens })).message.content!);
  });

  it('may be opened by the prompt', async () => {
    const { message } = await create({ guided_json: schema }, opening);
    expect((message as Thinking).reasoning_content).toMatch(/\S/);
    expectValid(schema, message.content!);
  });
});

describe('a tool call', () => {
  const parameters = {
    type: 'object',
    properties: { a: { type: 'integer', minimum: -99, maximum: 99 }, note: { type: 'string', maxLength: 5 } },
    required: ['a', 'note'],
  };
  const tools = [
    { type: 'function', function: { name: 'add', parameters } },
    { type: 'function', function: { name: 'stop' } },
  ];

  it.each([0, 1])('is made where it is required, at temperature %s', async (temperature) => {
    const { message, finish_reason } = await create({ tools, tool_choice: 'required', temperature, max_tokens: 700 }, opening);
    expect(message.content).toBeNull();
    if (finish_reason !== 'length') expect(finish_reason).toBe('tool_calls');
    for (const call of message.tool_calls!.slice(0, finish_reason === 'length' ? -1 : undefined)) {
      if (call.type !== 'function') throw new Error('no function');
      if (call.function.name === 'add') expectValid(parameters, call.function.arguments);
      else expect([call.function.name, JSON.parse(call.function.arguments)]).toEqual(['stop', {}]);
    }
  });

  it('is made once where parallel calls are off, and of the function that is named', async () => {
    const once = await create({ tools, tool_choice: 'required', parallel_tool_calls: false }, opening);
    expect(once).toMatchObject({ finish_reason: 'tool_calls' });
    expect(once.message.tool_calls).toHaveLength(1);
    const named = await create({ tools, tool_choice: { type: 'function', function: { name: 'add' } } }, opening);
    expect(named.message.tool_calls).toHaveLength(1);
    const [call] = named.message.tool_calls!;
    if (call?.type !== 'function') throw new Error('no function');
    expect(call.function.name).toBe('add');
    expectValid(parameters, call.function.arguments);
  });

  it('or the answer comes where both may', async () => {
    const schema = { type: 'object', properties: { x: { type: 'boolean' } }, required: ['x'] };
    const { message } = await create({ tools, guided_json: schema, parallel_tool_calls: false }, opening);
    if (message.tool_calls === undefined) expectValid(schema, message.content!);
    else expect(message.tool_calls).toHaveLength(1);
  });
});

describe('other forms of an answer', () => {
  it('any JSON object', async () => {
    const { message, finish_reason } = await create({ temperature: 1.5, response_format: { type: 'json_object' }, max_tokens: 900 });
    expect(message.content).toMatch(/^\{/);
    if (finish_reason === 'stop') expect(JSON.parse(message.content!)).toBeTypeOf('object');
  });

  it('a regular expression', async () => {
    const { message, finish_reason } = await create({ guided_regex: '\\d{3}-(?:名前|🦊)[a-f]{2,4}' });
    expect(message.content).toMatch(/^\d{3}-(?:名前|🦊)[a-f]{2,4}$/u);
    expect(finish_reason).toBe('stop');
  });

  it('a regular expression that is compiled on a thread of its own', async () => {
    const { message, finish_reason } = await create({ guided_regex: '[a-f]{3}(?:x.{0,700})?', stop: ['x'] });
    expect(message.content).toMatch(/^[a-f]{3}$/u);
    expect(finish_reason).toBe('stop');
  });

  it('one of several texts, also where the end token is ignored', async () => {
    const guided_choice = ['yes', 'no', 'perhaps — or not'];
    for (const fields of [{}, { ignore_eos: true }]) {
      const { message, finish_reason } = await create({ guided_choice, ...fields });
      expect(guided_choice).toContain(message.content);
      expect(finish_reason).toBe('stop');
    }
  });

  it('with log probabilities of the model, not of the mask', async () => {
    const body = { model: MODEL, prompt: '47 + 85 = ', logprobs: 1, guided_choice: ['~'] };
    const { text, logprobs } = (await router.client.completions.create(body)).choices[0]!;
    expect(text).toBe('~');
    const [best] = Object.entries(logprobs!.top_logprobs![0]!);
    expect(best![0]).not.toBe('~');
    expect(best![1]).toBeGreaterThan(logprobs!.token_logprobs![0]!);
  });
});

import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monotonicSeconds } from '@ringmesh/core';
import type { EngineClient, GenerationEvent, GenerationRequest } from '@ringmesh/engine';
import { createLogger, createMetricsRegistry, RequestMetrics } from '@ringmesh/telemetry';
import { SAMPLE_MODEL } from '@ringmesh/testing';
import { ChatTemplate, Tokenizer } from '@ringmesh/tokenizer';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Admission } from '../../admission/admission.js';
import { InFlight } from '../../generation/in-flight.js';
import { TextGenerator } from '../../generation/text-generator.js';
import { createApp } from '../../http/create-app.js';
import { closeApp, listen } from '../../http/listen.js';
import { ServedModel } from '../../served-model.js';

const END_TOKEN = 759;
const MAX_MODEL_LEN = 4096;

/** As Ring's templates: tools in a system message, results in an observation. */
const TEMPLATE =
  '{% if tools %}<role>SYSTEM</role># Tools{% for t in tools %}{{ t | tojson }}{% endfor %}{% endif %}' +
  "{% for m in messages %}{% if m.role == 'tool' %}<role>OBSERVATION</role><tool_response>{{ m.content }}</tool_response>" +
  "{% else %}<role>{{ 'HUMAN' if m.role == 'user' else m.role | upper }}</role>{{ m.content }}{% endif %}{% endfor %}" +
  '<role>ASSISTANT</role>';

const TOOLS: OpenAI.ChatCompletionTool[] = [
  {
    type: 'function',
    function: { name: 'add', description: 'Adds.', parameters: { type: 'object', properties: { a: { type: 'number' } } } },
  },
];
const CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 47, "b": 85, "note": "✓ \\"}\\" </tool_call>"}}\n</tool_call>';
const ARGUMENTS = '{"a": 47, "b": 85, "note": "✓ \\"}\\" </tool_call>"}';
const THOUGHT = '<think>\nI must add.\n</think>\n\n';

/**
 * The sample model has never learned to call tools. So its engine is replaced by one that plays given replies, in the tokens of the real
 * tokenizer; all else is real: HTTP, template, tokenizer, parsers, and the `openai` client. The real engine runs in test/openai.
 */
class ScriptedEngine {
  readonly prompts: string[] = [];

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly replies: string[],
  ) {}

  readiness(): { ready: boolean; missingShards: number[]; details: string[] } {
    return { ready: true, missingShards: [], details: [] };
  }

  async *generate({ promptIds, sampling }: GenerationRequest): AsyncGenerator<GenerationEvent> {
    this.prompts.push(this.tokenizer.decode(promptIds));
    const reply = this.replies.shift();
    if (reply === undefined) throw new Error('no reply is left');
    yield { type: 'started', queueSeconds: 0, cachedTokens: 0 };
    const logprobs = sampling.logprobs < 0 ? {} : { logprob: -0.5, topLogprobs: [] };
    for (const tokenId of [...this.tokenizer.encode(reply), END_TOKEN]) yield { type: 'token', tokenId, ...logprobs };
    yield { type: 'finished', reason: 'stop' };
  }
}

let dir: string;
let closing: (() => Promise<void>)[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ringmesh-tools-'));
  await cp(SAMPLE_MODEL, dir, { recursive: true });
  await writeFile(join(dir, 'chat_template.jinja'), TEMPLATE);
  closing = [() => rm(dir, { recursive: true })];
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
});

async function serve(replies: string[], toolCalls: 'hermes' | 'none' = 'hermes'): Promise<{ client: OpenAI; prompts: string[] }> {
  const [tokenizer, chatTemplate] = await Promise.all([Tokenizer.load(dir), ChatTemplate.load(dir)]);
  const scripted = new ScriptedEngine(tokenizer, replies);
  const engine = scripted as unknown as EngineClient;
  const [name, endTokenIds, vocabSize, maxModelLen] = ['scripted', [END_TOKEN], tokenizer.vocabSize, MAX_MODEL_LEN];
  const outputParsers = { reasoning: 'think', toolCalls } as const;
  const model = new ServedModel({ name, tokenizer, chatTemplate, outputParsers, defaults: {}, endTokenIds, vocabSize, maxModelLen });
  const metrics = createMetricsRegistry();
  const inFlight = new InFlight();
  const limits = { maxRequests: Infinity, maxTokens: Infinity };
  const admission = new Admission({ limits, now: monotonicSeconds, onRefused: () => undefined });
  const backend = { engine, tokenizer, endTokenIds };
  const generator = new TextGenerator({ backend, metrics: new RequestMetrics(metrics, name), inFlight, admission });
  const log = createLogger({ name: 'test', level: 'fatal' });
  const app = await createApp({ engine, model, generator, inFlight, metrics, log, servesMetrics: true, authenticate: () => null });
  closing.push(() => closeApp(app));
  const url = await listen(app, { host: '127.0.0.1', port: 0 });
  return { client: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 }), prompts: scripted.prompts };
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

import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packedModel, SAMPLE_MODEL } from '@ringmesh/testing';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, MODEL, QUESTION, startTestRouter, type TestRouter } from './test-router.js';

type Chunk = OpenAI.ChatCompletionChunk;
type Completion = OpenAI.ChatCompletion;

/** What the client's types do not know. */
interface Thinking {
  reasoning_content?: string;
}

const ask = { model: MODEL, messages: QUESTION, temperature: 0 };
const ANSWER = '47 + 85 = 132';

/** As ring-mid's: the prompt ends within the thought, unless that is switched off. */
const OPENING_TEMPLATE =
  "{%- for m in messages %}<role>{{ 'HUMAN' if m.role == 'user' else m.role | upper }}</role>{{ m.content }}{% endfor -%}" +
  "{%- if add_generation_prompt %}<role>ASSISTANT</role>{% if reasoning_effort != 'none' %}{{ '<think>\\n' }}{% endif %}{% endif %}";

let router: TestRouter;
let opening: TestRouter;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ringmesh-reasoning-'));
  await cp(SAMPLE_MODEL, join(dir, MODEL), { recursive: true });
  await writeFile(join(dir, MODEL, 'chat_template.jinja'), OPENING_TEMPLATE);
  router = await startTestRouter();
  opening = await startTestRouter({ pack: await packedModel(join(dir, MODEL)) });
});
afterAll(async () => {
  await Promise.all([router.close(), opening.close()]);
  await rm(dir, { recursive: true });
});

async function create(on: TestRouter, fields: object = {}): Promise<Completion> {
  return on.client.chat.completions.create({ ...ask, ...fields } as OpenAI.ChatCompletionCreateParamsNonStreaming);
}

async function stream(on: TestRouter, fields: object = {}): Promise<Chunk[]> {
  const body = { ...ask, ...fields, stream: true, stream_options: { include_usage: true } };
  return collect(await on.client.chat.completions.create(body as OpenAI.ChatCompletionCreateParamsStreaming));
}

function messageOf({ choices }: Completion): OpenAI.ChatCompletionMessage & Thinking {
  return choices[0]!.message;
}

function reasoningTokens({ usage }: { usage?: OpenAI.CompletionUsage | null }): number {
  return usage!.completion_tokens_details!.reasoning_tokens!;
}

/** Thought and answer of a stream, and whether one came after the other. */
function joined(chunks: Chunk[]): { thought: string; answer: string; inOrder: boolean } {
  const deltas = chunks.map((chunk) => (chunk.choices[0]?.delta ?? {}) as Thinking & { content?: string | null });
  const lastThought = deltas.findLastIndex(({ reasoning_content: thought }) => thought !== undefined);
  const firstAnswer = deltas.findIndex(({ content }) => content != null && content !== '');
  return {
    thought: deltas.map(({ reasoning_content: thought }) => thought ?? '').join(''),
    answer: deltas.map(({ content }) => content ?? '').join(''),
    inOrder: lastThought <= firstAnswer,
  };
}

async function tokensOf(prompt: string): Promise<number> {
  return ((await (await router.post('/tokenize', { prompt })).json()) as { count: number }).count;
}

describe('thoughts', () => {
  it.each<[string, () => TestRouter]>([
    ['that the model opens', () => router],
    ['that the prompt opens', () => opening],
  ])('%s are a part of their own, streamed or not, and are counted', async (_, on) => {
    const whole = await create(on());
    const { content, reasoning_content: thought } = messageOf(whole);
    expect(content).toBe(ANSWER);
    expect(thought).toMatch(/^\S[^]*\S$/);
    expect(thought).not.toContain('think>');
    expect(reasoningTokens(whole)).toBe((await tokensOf(`\n${thought}\n`)) - (on() === opening ? 1 : 0));
    const chunks = await stream(on());
    expect(joined(chunks)).toEqual({ thought, answer: content, inOrder: true });
    expect(chunks.filter((chunk) => 'reasoning_content' in (chunk.choices[0]?.delta ?? {})).length).toBeGreaterThan(5);
    expect(chunks.at(-1)!.usage).toEqual(whole.usage);
  });

  it('are kept back with include_reasoning false, with their tokens, but counted', async () => {
    const details = { include_reasoning: false, logprobs: true, return_token_ids: true };
    const shown = await create(router, { ...details, include_reasoning: true });
    const whole = await create(router, details);
    expect(messageOf(whole)).toEqual({ role: 'assistant', content: ANSWER });
    expect(whole.usage).toEqual(shown.usage);
    expect(shown.choices[0]!.logprobs!.content).toHaveLength(shown.usage!.completion_tokens);
    expect(whole.choices[0]!.logprobs!.content).toHaveLength(whole.usage!.completion_tokens - reasoningTokens(whole));
    const chunks = await stream(router, details);
    expect(joined(chunks)).toMatchObject({ thought: '', answer: ANSWER });
    const logprobs = chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.content ?? []);
    expect(logprobs).toEqual(whole.choices[0]!.logprobs!.content);
  });

  it('that do not end are all there is', async () => {
    const whole = await create(router, { max_tokens: 12 });
    expect(whole.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: null } });
    expect(messageOf(whole).reasoning_content).toMatch(/\w/);
    expect(joined(await stream(router, { max_tokens: 12 }))).toMatchObject({ thought: messageOf(whole).reasoning_content, answer: '' });
  });

  it('may be ended by a stop string, as the answer may', async () => {
    const { reasoning_content: thought } = messageOf(await create(router));
    const stop = thought!.slice(8, 12);
    const whole = await create(router, { stop });
    expect(whole.choices[0]).toMatchObject({ finish_reason: 'stop', stop_reason: stop, message: { content: null } });
    expect(messageOf(whole).reasoning_content).toBe(thought!.slice(0, thought!.indexOf(stop)));
  });

  it('are text like other with --reasoning-parser none', async () => {
    const plain = await startTestRouter({ reasoningParser: 'none' });
    try {
      const { content, reasoning_content: thought } = messageOf(await create(plain));
      expect(thought).toBeUndefined();
      expect(content).toMatch(/^<think>\n[^]*\n<\/think>\n\n47 \+ 85 = 132$/);
      const refused = await plain.post('/v1/chat/completions', { ...ask, max_reasoning_tokens: 5 });
      expect(await refused.json()).toMatchObject({ error: { code: 'invalid_request', param: 'max_reasoning_tokens' } });
    } finally {
      await plain.close();
    }
  });

  it('of earlier answers are accepted, and cost this model no tokens', async () => {
    const prompt = async (assistant: object): Promise<unknown> => {
      const messages = [...QUESTION, { role: 'assistant', content: ANSWER, ...assistant }, { role: 'user', content: 'Add 1.' }];
      return (await router.post('/tokenize', { messages })).json();
    };
    expect(await prompt({ reasoning_content: 'Hm.' })).toEqual(await prompt({}));
  });

  it('may be told to the template not to begin', async () => {
    const effort = async (fields: object): Promise<unknown> => (await opening.post('/tokenize', { messages: QUESTION, ...fields })).json();
    expect(await effort({ reasoning_effort: 'none' })).toEqual(await effort({ chat_template_kwargs: { reasoning_effort: 'none' } }));
    expect(await effort({ reasoning_effort: 'none' })).not.toEqual(await effort({ reasoning_effort: 'high' }));
  });
});

describe('a budget of thoughts', () => {
  it.each<[string, () => TestRouter]>([
    ['that the model opens', () => router],
    ['that the prompt opens', () => opening],
  ])('closes those %s, and the answer follows', async (_, on) => {
    const { reasoning_content: thought } = messageOf(await create(on()));
    for (const budget of [0, 1, 6]) {
      const whole = await create(on(), { max_reasoning_tokens: budget, return_token_ids: true });
      expect(reasoningTokens(whole)).toBe(budget);
      expect(whole.choices[0]!.finish_reason).toBe('stop');
      const { content, reasoning_content: cut = '' } = messageOf(whole);
      expect(thought!.startsWith(cut)).toBe(true);
      expect(content).toMatch(/\S/);
      expect(content).not.toContain('think>');
      expect(joined(await stream(on(), { max_reasoning_tokens: budget }))).toMatchObject({ thought: cut, answer: content });
    }
  });

  it('changes nothing where it is not reached', async () => {
    const whole = await create(router);
    expect(messageOf(await create(router, { max_reasoning_tokens: reasoningTokens(whole) }))).toEqual(messageOf(whole));
  });

  it('holds for each of several requests at once, as it does alone', async () => {
    const budgets = [0, 3, 5, 9, undefined];
    const run = async (budget: number | undefined): Promise<unknown> => messageOf(await create(router, { max_reasoning_tokens: budget }));
    const together = await Promise.all(budgets.map(run));
    for (const [index, budget] of budgets.entries()) expect(await run(budget)).toEqual(together[index]);
  });
});

import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, MODEL, QUESTION, startTestRouter, type TestRouter } from './test-router.js';

let router: TestRouter;
let client: OpenAI;
beforeAll(async () => {
  router = await startTestRouter();
  ({ client } = router);
});
afterAll(() => router.close());

const ask = { model: MODEL, messages: QUESTION, temperature: 0 };

/** vLLM's additions, which the client's types do not know. */
interface WithTokenIds {
  prompt_token_ids?: number[];
  choices: { token_ids?: number[]; prompt_token_ids?: number[]; stop_reason: string | number | null }[];
}

describe('models', () => {
  it('are listed and described', async () => {
    const models = await collect(client.models.list());
    expect(models).toEqual([expect.objectContaining({ id: MODEL, object: 'model', max_model_len: 1024 })]);
    expect(await client.models.retrieve(MODEL)).toEqual(models[0]);
    await expect(client.models.retrieve('gpt-4')).rejects.toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
  });
});

describe('chat', () => {
  it('answers', async () => {
    const { object, model, choices, usage } = await client.chat.completions.create(ask);
    expect({ object, model }).toEqual({ object: 'chat.completion', model: MODEL });
    expect(choices).toHaveLength(1);
    expect(choices[0]).toMatchObject({ index: 0, message: { role: 'assistant' }, finish_reason: 'stop', logprobs: null });
    expect(choices[0]!.message.content).toBe('47 + 85 = 132');
    expect(usage!.total_tokens).toBe(usage!.prompt_tokens + usage!.completion_tokens);
  });

  it('streams the same text: the role first, the usage last', async () => {
    const whole = await client.chat.completions.create(ask);
    const stream = await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } });
    const chunks = await collect(stream);
    expect(chunks[0]!.choices[0]!.delta).toEqual({ role: 'assistant', content: '' });
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(whole.choices[0]!.message.content);
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
  });

  it('streams in a response that proxies pass on as it comes', async () => {
    const { status, headers, body } = await router.post('/v1/chat/completions', { ...ask, max_tokens: 1, stream: true });
    await body!.cancel();
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    });
  });

  it('gives each of several requests at once the tokens that it gets alone', async () => {
    const questions = ['What is 47 + 85?', 'Which is larger, 81 or 18?', 'Sort 5, 3, 9.', 'What is 12 * 7?'];
    const answer = async (content: string): Promise<number[] | undefined> => {
      const body = { ...ask, messages: [{ role: 'user' as const, content }], return_token_ids: true };
      return ((await client.chat.completions.create(body)) as unknown as WithTokenIds).choices[0]!.token_ids;
    };
    const together = await Promise.all(questions.map(answer));
    for (const [index, question] of questions.entries()) expect(await answer(question)).toEqual(together[index]);
  });

  it('takes text parts, and developer as system', async () => {
    const tokens = async (messages: unknown): Promise<unknown> => (await router.post('/tokenize', { messages })).json();
    const parts = [
      { role: 'developer', content: 'You add.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
    ];
    expect(await tokens(parts)).toEqual(
      await tokens([
        { role: 'system', content: 'You add.' },
        { role: 'user', content: 'a\nb' },
      ]),
    );
  });

  it('stops at max_tokens, by either name', async () => {
    for (const limit of [{ max_tokens: 5 }, { max_completion_tokens: 5 }]) {
      const answer = await router.post('/v1/chat/completions', { ...ask, ...limit });
      expect(await answer.json()).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 5 } });
    }
  });

  it('stops before a stop string, streaming or not', async () => {
    const body = { ...ask, stop: [' = ', 'never'] };
    const whole = await client.chat.completions.create(body);
    const { content } = whole.choices[0]!.message;
    expect(content).toBe('47 + 85');
    expect((whole as unknown as WithTokenIds).choices[0]!.stop_reason).toBe(' = ');
    const chunks = await collect(await client.chat.completions.create({ ...body, stream: true }));
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(content);
  });

  it('reports log probabilities of the tokens and their alternatives', async () => {
    const { choices } = await client.chat.completions.create({ ...ask, logprobs: true, top_logprobs: 3 });
    const { content } = choices[0]!.logprobs!;
    for (const { token, logprob, bytes, top_logprobs } of content!) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(Buffer.from(bytes!).toString()).toBe(token);
      expect(top_logprobs).toHaveLength(3);
      expect(top_logprobs[0]).toMatchObject({ token, logprob }); // greedy takes the most probable
      expect(top_logprobs.map((top) => top.logprob)).toEqual(top_logprobs.map((top) => top.logprob).sort((a, b) => b - a));
    }
    expect(content!.map(({ token }) => token).join('')).toMatch(/^<think>\n[^]*\n<\/think>\n\n47 \+ 85 = 132<\|endoftext\|>$/);
    const plain = await client.chat.completions.create({ ...ask, max_completion_tokens: 1, logprobs: true });
    expect(plain.choices[0]!.logprobs!.content![0]!.top_logprobs).toEqual([]);
  });

  it('gives the same text for the same seed and another for another', async () => {
    const text = async (seed?: number): Promise<string> => {
      const neutral = { top_p: 1, top_k: 0 }; // the checkpoint's own defaults leave little to chance
      const body = { ...ask, ...neutral, temperature: 2, max_completion_tokens: 40, seed };
      return JSON.stringify((await client.chat.completions.create(body)).choices[0]!.message);
    };
    // One after the other: in one batch with others, float noise may tip a draw at temperature 2.
    const first = await text(1);
    const again = await text(1);
    expect(again).toBe(first);
    // Short answers of a model that is sure of itself: two draws may well be the same, six are not.
    const others = await Promise.all([2, 3, 4, 5, 6, 7].map((seed) => text(seed)));
    const unseeded = await Promise.all(Array.from({ length: 6 }, () => text()));
    expect(new Set(others).size).toBeGreaterThan(1);
    expect(new Set(unseeded).size).toBeGreaterThan(1);
  });

  it('returns token ids where they are asked for', async () => {
    const body = { ...ask, return_token_ids: true };
    const whole = (await client.chat.completions.create(body)) as unknown as WithTokenIds;
    const prompt = (await (await router.post('/tokenize', { messages: QUESTION })).json()) as { tokens: number[] };
    expect(whole.prompt_token_ids).toEqual(prompt.tokens);
    expect(whole.choices[0]!.prompt_token_ids).toEqual(prompt.tokens);
    const chunks = (await collect(await client.chat.completions.create({ ...body, stream: true }))) as unknown as WithTokenIds[];
    expect(chunks[0]!.prompt_token_ids).toEqual(prompt.tokens);
    expect(chunks.flatMap((chunk) => chunk.choices[0]!.token_ids ?? [])).toEqual(whole.choices[0]!.token_ids);
  });
});

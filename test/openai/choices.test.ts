import { until } from '@ringmesh/testing';
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

/** More than two blocks of the prefix cache. */
const PROMPT = `${'1, 2, 3, 4, 5, 6, 7, 8. '.repeat(9)}<role>HUMAN</role>What is 47 + 85?<role>ASSISTANT</role>`;
const body = { model: MODEL, prompt: PROMPT, temperature: 1.5, top_p: 1, top_k: 0, max_tokens: 20, seed: 7 };
const more = { ignore_eos: true, return_token_ids: true };

interface Choice {
  index: number;
  text: string;
  token_ids: number[];
}
const choicesOf = (completion: OpenAI.Completion): Choice[] => completion.choices as unknown as Choice[];

/** Each choice of a stream, put together. */
function joined(chunks: OpenAI.Completion[]): Choice[] {
  const choices: Choice[] = [];
  for (const { index, text, token_ids } of chunks.flatMap(choicesOf)) {
    const choice = (choices[index] ??= { index, text: '', token_ids: [] });
    choice.text += text;
    choice.token_ids.push(...token_ids);
  }
  return choices;
}

describe('n', () => {
  it('gives choices that each have a seed of their own, the first one the request’s, and counts the prompt once', async () => {
    const one = await client.completions.create({ ...body, ...more });
    const three = await client.completions.create({ ...body, ...more, n: 3 });
    const choices = choicesOf(three);
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(choices[0]!.token_ids).toEqual(choicesOf(one)[0]!.token_ids);
    expect(new Set(choices.map(({ token_ids }) => token_ids.join())).size).toBe(3);
    expect(three.usage).toMatchObject({
      prompt_tokens: one.usage!.prompt_tokens,
      completion_tokens: 60,
      total_tokens: one.usage!.prompt_tokens + 60,
    });
    const again = await client.completions.create({ ...body, ...more, n: 3 });
    expect(choicesOf(again).map(({ token_ids }) => token_ids)).toEqual(choices.map(({ token_ids }) => token_ids));
  });

  it('streams choices of several prompts, each as a whole answer has it', async () => {
    const asked = { ...body, ...more, prompt: [PROMPT, '1, 2, 3'], n: 2 };
    const whole = await client.completions.create(asked);
    const chunks = await collect(await client.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } }));
    const expected = choicesOf(whole).map(({ index, text, token_ids }) => ({ index, text, token_ids }));
    expect(expected).toHaveLength(4);
    expect(joined(chunks)).toEqual(expected);
    expect(chunks.at(-1)!.usage).toEqual(whole.usage);
  });

  it('computes the prompt once: the other choices find its blocks in the prefix cache', async () => {
    const hits = (): Promise<number> => router.metric(`vllm:prefix_cache_hits_total{model_name="${MODEL}",engine="0"}`);
    const before = await hits();
    const { usage } = await client.completions.create({ ...body, prompt: `New: ${PROMPT}`, n: 4 });
    const blocks = Math.floor((usage!.prompt_tokens - 1) / 64) * 64;
    expect(blocks).toBeGreaterThanOrEqual(128);
    expect((await hits()) - before).toBe(3 * blocks);
    expect(usage!.prompt_tokens_details).toEqual({ cached_tokens: 0 });

    const again = { ...body, prompt: [`New: ${PROMPT}`, PROMPT], n: 2 };
    const whole = await client.completions.create(again);
    const cached = whole.usage!.prompt_tokens_details!.cached_tokens!;
    expect(cached).toBeGreaterThanOrEqual(blocks);
    const chunks = await collect(await client.completions.create({ ...again, stream: true, stream_options: { include_usage: true } }));
    expect(chunks.at(-1)!.usage!.prompt_tokens_details!.cached_tokens).toBeGreaterThanOrEqual(cached);
  });

  it('works for chats, streamed or not', async () => {
    const chat = { model: MODEL, messages: QUESTION, temperature: 1.5, max_tokens: 30, seed: 3, n: 2 };
    const { choices, usage } = await client.chat.completions.create(chat);
    expect(choices.map(({ index }) => index)).toEqual([0, 1]);
    const stream = client.chat.completions.stream({ ...chat, stream_options: { include_usage: true } });
    const streamed = await stream.finalChatCompletion();
    expect(streamed.choices.map(({ message }) => message.content ?? '')).toEqual(choices.map(({ message }) => message.content ?? ''));
    expect(streamed.usage).toEqual(usage);
  });

  it('counts each choice where requests queue, and frees all of them when the client goes', async () => {
    const small = await startTestRouter({ maxNumSeqs: '1', maxNumQueuedRequests: '8' });
    try {
      const running = await small.client.completions.create({ ...body, max_tokens: 500, n: 5, stream: true, ...{ ignore_eos: true } });
      const iterator = running[Symbol.asyncIterator]();
      await iterator.next(); // its other choices wait now
      const answer = await small.post('/v1/completions', { ...body, n: 8 });
      expect(answer.status).toBe(429);
      expect(await answer.json()).toMatchObject({ error: { code: 'queue_full' } });
      running.controller.abort();
      for (const name of ['num_requests_running', 'num_requests_waiting', 'kv_cache_usage_perc']) {
        await until(
          () => small.metric(`vllm:${name}{model_name="${MODEL}",engine="0"}`),
          (value) => value === 0,
        );
      }
    } finally {
      await small.close();
    }
  });
});

it('best_of sends the answers with the highest mean log probability, best first, and counts all', async () => {
  const all = await client.completions.create({ ...body, ...more, n: 5, logprobs: 0 });
  const means = all.choices.map(({ logprobs }) => {
    const values = logprobs!.token_logprobs!;
    return values.reduce((sum, logprob) => sum + logprob, 0) / values.length;
  });
  const ranked = choicesOf(all)
    .map(({ index, token_ids }) => ({ mean: means[index]!, token_ids }))
    .sort((a, b) => b.mean - a.mean);
  const best = await client.completions.create({ ...body, ...more, n: 2, best_of: 5 });
  expect(choicesOf(best).map(({ index, token_ids }) => ({ index, token_ids }))).toEqual([
    { index: 0, token_ids: ranked[0]!.token_ids },
    { index: 1, token_ids: ranked[1]!.token_ids },
  ]);
  expect(best.choices[0]!.logprobs).toBeNull();
  expect(best.usage).toEqual(all.usage);
});

describe('the prompt in the answer', () => {
  const greedy = { model: MODEL, prompt: '<role>HUMAN</role>What is 47 + 85?<role>ASSISTANT</role>', temperature: 0, max_tokens: 8 };
  type Scores = (Record<string, { logprob: number; rank: number; decoded_token: string }> | null)[];
  interface Scored {
    prompt_token_ids: number[];
    prompt_logprobs: Scores;
  }

  it('is echoed, with its log probabilities, streamed or not', async () => {
    const plain = await client.completions.create({ ...greedy, logprobs: 1 });
    const echoed = await client.completions.create({ ...greedy, logprobs: 1, echo: true });
    expect(echoed.choices[0]!.text).toBe(greedy.prompt + plain.choices[0]!.text);
    expect(echoed.usage).toEqual(plain.usage);
    const { tokens, token_logprobs, top_logprobs, text_offset } = echoed.choices[0]!.logprobs!;
    const numPrompt = plain.usage!.prompt_tokens;
    expect(tokens).toHaveLength(numPrompt + 8);
    expect(token_logprobs![0]).toBeNull();
    expect(top_logprobs![0]).toBeNull();
    expect(token_logprobs!.slice(1).every((logprob) => logprob <= 0)).toBe(true);
    expect(text_offset).toEqual(tokens!.map((_, index) => tokens!.slice(0, index).join('').length));
    for (const [index, logprob] of plain.choices[0]!.logprobs!.token_logprobs!.entries()) {
      expect(token_logprobs![numPrompt + index]).toBeCloseTo(logprob, 3);
    }

    const chunks = await collect(await client.completions.create({ ...greedy, logprobs: 1, echo: true, stream: true }));
    expect(chunks.map(({ choices }) => choices[0]!.text).join('')).toBe(echoed.choices[0]!.text);
    expect(chunks.flatMap(({ choices }) => choices[0]!.logprobs?.tokens ?? [])).toEqual(tokens);
    expect(chunks.flatMap(({ choices }) => choices[0]!.logprobs?.text_offset ?? [])).toEqual(text_offset);
  });

  it('is all there is with max_tokens 0, streamed or not', async () => {
    const scored = { ...greedy, logprobs: 1, echo: true };
    const whole = await client.completions.create(scored);
    const { choices, usage } = await client.completions.create({ ...scored, max_tokens: 0 });
    const numPrompt = usage!.prompt_tokens;
    expect(usage).toMatchObject({ completion_tokens: 0, total_tokens: numPrompt });
    expect(choices).toMatchObject([{ text: greedy.prompt, finish_reason: 'length' }]);
    expect(choices[0]!.logprobs!.tokens).toEqual(whole.choices[0]!.logprobs!.tokens!.slice(0, numPrompt));
    expect(choices[0]!.logprobs!.token_logprobs).toEqual(whole.choices[0]!.logprobs!.token_logprobs!.slice(0, numPrompt));

    const usageToo = { stream: true, stream_options: { include_usage: true } } as const;
    const chunks = await collect(await client.completions.create({ ...scored, max_tokens: 0, ...usageToo }));
    expect(chunks.map((chunk) => chunk.choices[0]?.text)).toEqual([greedy.prompt, '', undefined]);
    expect(chunks[0]!.choices[0]!.logprobs).toEqual(choices[0]!.logprobs);
    expect(chunks.at(-1)!.usage).toEqual(usage);
    await expect(client.completions.create({ ...greedy, max_tokens: 0 })).rejects.toMatchObject({ status: 400, param: 'max_tokens' });
  });

  it('is echoed without log probabilities, in each choice', async () => {
    const { choices } = await client.completions.create({ ...body, n: 2, echo: true });
    for (const { text, logprobs } of choices) {
      expect(text.startsWith(PROMPT)).toBe(true);
      expect(logprobs).toBeNull();
    }
  });

  it('is scored by prompt_logprobs, in vLLM’s form, for completions and chats', async () => {
    const check = (ids: number[], scores: Scores): void => {
      expect(scores).toHaveLength(ids.length);
      expect(scores[0]).toBeNull();
      for (const [index, entry] of scores.entries()) {
        if (entry === null) continue;
        const own = entry[String(ids[index])]!;
        const ranks = Object.values(entry).map(({ rank }) => rank);
        expect(ranks.sort((a, b) => a - b)).toEqual(own.rank <= 2 ? [1, 2] : [1, 2, own.rank]);
        expect(own.logprob).toBeLessThanOrEqual(0);
      }
    };
    const fields = { prompt_logprobs: 2, return_token_ids: true };
    const completion = await client.completions.create({ ...greedy, ...fields });
    const choice = completion.choices[0]! as unknown as Scored;
    check(choice.prompt_token_ids, choice.prompt_logprobs);
    const chat = await client.chat.completions.create({ model: MODEL, messages: QUESTION, max_completion_tokens: 2, ...fields });
    const { prompt_token_ids, prompt_logprobs } = chat as unknown as Scored;
    check(prompt_token_ids, prompt_logprobs);
  });
});

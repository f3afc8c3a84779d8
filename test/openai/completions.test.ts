import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, MODEL, startTestRouter, type TestRouter } from './test-router.js';

let router: TestRouter;
let client: OpenAI;
beforeAll(async () => {
  router = await startTestRouter();
  ({ client } = router);
});
afterAll(() => router.close());

const TEXT = '<role>HUMAN</role>What is 47 + 85?<role>ASSISTANT</role>';
const complete = { model: MODEL, prompt: TEXT, temperature: 0 };

interface Choice {
  index: number;
  text: string;
  token_ids: number[];
  prompt_token_ids?: number[];
  stop_reason: string | number | null;
}
const choicesOf = (completion: OpenAI.Completion): Choice[] => completion.choices as unknown as Choice[];

async function tokenize(prompt: string): Promise<number[]> {
  return ((await (await router.post('/tokenize', { prompt })).json()) as { tokens: number[] }).tokens;
}

describe('completions', () => {
  it('goes on for 16 tokens unless told otherwise', async () => {
    const { object, choices, usage } = await client.completions.create({ ...complete, ...{ ignore_eos: true } });
    expect(object).toBe('text_completion');
    expect(choices[0]).toMatchObject({ index: 0, finish_reason: 'length' });
    expect(usage!.completion_tokens).toBe(16);
  });

  it('takes a text, token ids, and lists of either, with a choice each', async () => {
    const ids = await tokenize(TEXT);
    const other = await tokenize('1, 2, 3');
    const text = async (prompt: string | string[] | number[] | number[][]): Promise<string[]> =>
      choicesOf(await client.completions.create({ ...complete, prompt })).map((choice) => `${choice.index}: ${choice.text}`);
    const [first] = await text(TEXT);
    expect(await text(ids)).toEqual([first]);
    const both = await text([TEXT, '1, 2, 3']);
    expect(both).toHaveLength(2);
    expect(both[0]).toBe(first);
    expect(await text([ids, other])).toEqual(both);
  });

  it('streams several prompts, each choice whole and in order', async () => {
    const body = { ...complete, prompt: [TEXT, '1, 2, 3', TEXT], ...{ return_token_ids: true } };
    const whole = await client.completions.create(body);
    const stream = await client.completions.create({ ...body, stream: true, stream_options: { include_usage: true } });
    const chunks = await collect(stream);
    for (const expected of choicesOf(whole)) {
      const parts = chunks.flatMap((chunk) => choicesOf(chunk)).filter((choice) => choice.index === expected.index);
      expect(parts.map((part) => part.text).join('')).toBe(expected.text);
      expect(parts.flatMap((part) => part.token_ids)).toEqual(expected.token_ids);
      expect(parts[0]!.prompt_token_ids).toEqual(expected.prompt_token_ids);
      expect(parts.slice(1).every((part) => part.prompt_token_ids === undefined)).toBe(true);
    }
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
  });

  it('reports log probabilities in parallel lists', async () => {
    const { choices } = await client.completions.create({ ...complete, max_tokens: 5, logprobs: 2 });
    const { tokens, token_logprobs, top_logprobs, text_offset } = choices[0]!.logprobs!;
    expect(tokens!.join('')).toBe(choices[0]!.text);
    expect(text_offset).toEqual(tokens!.map((_, index) => tokens!.slice(0, index).join('').length));
    for (const [index, token] of tokens!.entries()) {
      expect(Object.keys(top_logprobs![index]!)).toHaveLength(2);
      expect(top_logprobs![index]![token]).toBe(token_logprobs![index]);
    }
    const own = await client.completions.create({ ...complete, max_tokens: 1, logprobs: 0 });
    expect(Object.keys(own.choices[0]!.logprobs!.top_logprobs![0]!)).toEqual(own.choices[0]!.logprobs!.tokens);
  });

  it('writes tokens as ids where that is asked for', async () => {
    const body = { ...complete, max_tokens: 3, logprobs: 1, ...{ return_tokens_as_token_ids: true, return_token_ids: true } };
    const completion = await client.completions.create(body);
    expect(completion.choices[0]!.logprobs!.tokens).toEqual(choicesOf(completion)[0]!.token_ids.map((id) => `token_id:${id}`));
  });

  it('ends at stop tokens, or goes past the end token', async () => {
    const ended = await client.completions.create({ ...complete, max_tokens: 200, ...{ return_token_ids: true } });
    const { token_ids, text } = choicesOf(ended)[0]!;
    const endToken = token_ids.at(-1)!;
    expect(ended.choices[0]!.finish_reason).toBe('stop');
    expect(text).not.toContain('<|endoftext|>');

    const onward = await client.completions.create({
      ...complete,
      max_tokens: token_ids.length + 3,
      ...{ ignore_eos: true, return_token_ids: true },
    });
    expect(choicesOf(onward)[0]!.token_ids.slice(0, token_ids.length)).toEqual(token_ids);
    expect(onward.usage!.completion_tokens).toBe(token_ids.length + 3);

    const stopped = await client.completions.create({ ...complete, ...{ stop_token_ids: [token_ids[4]!], return_token_ids: true } });
    expect(choicesOf(stopped)[0]).toMatchObject({ finish_reason: 'stop', stop_reason: token_ids[4] });
    expect(choicesOf(stopped)[0]!.token_ids).toEqual(token_ids.slice(0, token_ids.indexOf(token_ids[4]!) + 1));

    const shown = await client.completions.create({
      ...complete,
      max_tokens: 200,
      ...{ skip_special_tokens: false, include_stop_str_in_output: true },
    });
    expect(shown.choices[0]!.text).toBe(`${text}<|endoftext|>`);
    expect(endToken).toBe(choicesOf(onward)[0]!.token_ids[token_ids.length - 1]);
  });

  it('lets min_p, top_k and top_p narrow the choice down to the greedy one', async () => {
    const greedy = await client.completions.create(complete);
    for (const narrow of [{ top_k: 1 }, { min_p: 1 }, { top_p: 1e-9 }]) {
      const sampled = await client.completions.create({ ...complete, temperature: 2, ...narrow });
      expect(sampled.choices[0]!.text).toBe(greedy.choices[0]!.text);
    }
  });
});

describe('what changes the logits', () => {
  const idsOf = async (fields: object): Promise<number[]> => {
    const body = { ...complete, ignore_eos: true, return_token_ids: true, ...fields } as OpenAI.CompletionCreateParamsNonStreaming;
    return choicesOf(await client.completions.create(body))[0]!.token_ids;
  };

  it('logit_bias forces a token, or keeps it away', async () => {
    expect(await idsOf({ logit_bias: { 70: 100 }, max_tokens: 3 })).toEqual([70, 70, 70]);
    const greedy = await idsOf({});
    expect(await idsOf({ logit_bias: { [greedy[0]!]: -100 } })).not.toContain(greedy[0]);
  });

  it('allowed_token_ids are all that comes, and a frequency penalty makes them change', async () => {
    const fields = { allowed_token_ids: [70, 71, 72], logit_bias: { 71: 20 }, max_tokens: 60 };
    expect(new Set(await idsOf(fields))).toEqual(new Set([71]));
    expect(new Set(await idsOf({ ...fields, frequency_penalty: 2 }))).toEqual(new Set([70, 71, 72]));
  });

  it('a repetition penalty counts the prompt too, the others only the answer', async () => {
    const prompt = await tokenize(TEXT);
    const last = prompt.at(-1)!;
    const fields = { prompt, max_tokens: 1, allowed_token_ids: [last, 70], logit_bias: { [last]: 100, 70: 50 } };
    expect(await idsOf(fields)).toEqual([last]);
    expect(await idsOf({ ...fields, presence_penalty: 2, frequency_penalty: 2 })).toEqual([last]);
    expect(await idsOf({ ...fields, repetition_penalty: 100 })).toEqual([70]);
  });

  it('bad_words do not come up', async () => {
    const textOf = async (tokens: number[]): Promise<string> =>
      ((await (await router.post('/detokenize', { tokens })).json()) as { prompt: string }).prompt;
    const has = (ids: number[], [first, second]: number[]): boolean => ids.some((id, at) => id === first && ids[at + 1] === second);
    const ids = await idsOf({ max_tokens: 40 });
    const words: string[] = [];
    for (let at = 0; at < 20; at++) {
      const pair = ids.slice(at, at + 2);
      const word = await textOf(pair);
      if (/^\S/.test(word) && (await tokenize(word)).join() === pair.join()) words.push(word);
    }
    expect(words.length).toBeGreaterThan(1);
    for (const word of words.slice(0, 3)) {
      const pair = await tokenize(word);
      expect(has(ids, pair)).toBe(true);
      expect(has(await idsOf({ max_tokens: 40, bad_words: [word] }), pair)).toBe(false);
    }
  });

  it('min_tokens keeps end tokens and stop strings from ending the answer', async () => {
    const { choices, usage } = await client.completions.create({ ...complete, max_tokens: 200 });
    const length = usage!.completion_tokens;
    expect(choices[0]!.finish_reason).toBe('stop');
    const longer = await client.completions.create({ ...complete, max_tokens: 200, ...{ min_tokens: length + 3 } });
    expect(longer.usage!.completion_tokens).toBeGreaterThanOrEqual(length + 3);

    const body = { ...complete, max_tokens: 200, stop: choices[0]!.text.trim().slice(0, 2) };
    expect((await client.completions.create(body)).usage!.completion_tokens).toBeLessThan(length - 1);
    const past = await client.completions.create({ ...body, ...{ min_tokens: length - 1 } });
    expect(past.usage!.completion_tokens).toBeGreaterThanOrEqual(length - 1);
    expect(past.choices[0]!.text).toContain(body.stop);
  });

  it('a seed gives the same tokens alone and among others', async () => {
    const fields = { temperature: 1.5, top_p: 1, max_tokens: 30, presence_penalty: 0.5 };
    const alone = await idsOf({ ...fields, seed: 5 });
    const [again, ...others] = await Promise.all([5, 6, 7, 8].map((seed) => idsOf({ ...fields, seed })));
    expect(again).toEqual(alone);
    for (const ids of others) expect(ids).not.toEqual(alone);
  });
});

describe('tokenize and detokenize', () => {
  it('are inverse', async () => {
    const text = 'What is 47 + 85? ✓ <role>HUMAN</role>';
    const answer = await router.post('/tokenize', { prompt: text, return_token_strs: true });
    const { count, max_model_len, tokens, token_strs } = (await answer.json()) as Record<string, unknown> & {
      tokens: number[];
      token_strs: string[];
    };
    expect({ count, max_model_len }).toEqual({ count: tokens.length, max_model_len: 1024 });
    expect(token_strs).toHaveLength(tokens.length);
    expect(await (await router.post('/detokenize', { tokens })).json()).toEqual({ prompt: text });
  });
});

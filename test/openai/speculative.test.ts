import { afterAll, beforeAll, expect, it } from 'vitest';
import { collect, MODEL, QUESTION, startTestRouter, type TestRouter } from './test-router.js';

let plain: TestRouter;
let drafted: TestRouter;
beforeAll(async () => {
  const lookup = { numSpeculativeTokens: '6', promptLookupMin: '1' };
  [plain, drafted] = await Promise.all([
    startTestRouter({ speculation: 'off', deterministic: true }),
    startTestRouter({ speculation: 'always', ...lookup }),
  ]);
});
afterAll(() => Promise.all([plain.close(), drafted.close()]));

const counted = (router: TestRouter, name: string): Promise<number> =>
  router.metric(`vllm:spec_decode_num_${name}_total{model_name="${MODEL}",engine="0"}`);

/** Chats, texts and structured output, greedy and drawn, streamed and whole: what they say, without what differs from run to run. */
async function answers({ client }: TestRouter): Promise<unknown[]> {
  const repetitive = 'The answer is 12. The answer is 12. The answer is 12. The answer';
  const schema = { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'], additionalProperties: false };
  const [text, drawn, chat, object, stream] = await Promise.all([
    client.completions.create({ model: MODEL, prompt: repetitive, max_tokens: 60, temperature: 0, logprobs: 2 }),
    client.completions.create({ model: MODEL, prompt: [repetitive, 'What is'], max_tokens: 40, temperature: 1, seed: 5 }),
    client.chat.completions.create({ model: MODEL, messages: QUESTION, temperature: 0, max_completion_tokens: 150 }),
    client.chat.completions.create({
      model: MODEL,
      messages: QUESTION,
      temperature: 0,
      max_completion_tokens: 150,
      response_format: { type: 'json_schema', json_schema: { name: 'sum', schema, strict: true } },
    }),
    client.completions
      .create({ model: MODEL, prompt: repetitive, max_tokens: 80, temperature: 0, stop: ['2.'], stream: true })
      .then((chunks) => collect(chunks)),
  ]);
  return [
    [text.choices[0]!.text, text.choices[0]!.logprobs!.tokens, text.usage],
    drawn.choices.map((choice) => [choice.text, choice.finish_reason]),
    [chat.choices[0]!.message, chat.usage],
    [object.choices[0]!.message, object.choices[0]!.finish_reason],
    [stream.map(({ choices }) => choices[0]!.text).join(''), stream.at(-1)!.choices[0]!.finish_reason],
  ];
}

it('says the same with guessed tokens, and counts them', async () => {
  const [without, withDrafts] = await Promise.all([answers(plain), answers(drafted)]);
  expect(withDrafts).toEqual(without);
  const [drafts, tokens, accepted] = await Promise.all(['drafts', 'draft_tokens', 'accepted_tokens'].map((name) => counted(drafted, name)));
  expect(accepted).toBeGreaterThan(0);
  expect(tokens).toBeGreaterThanOrEqual(accepted!);
  expect(tokens).toBeGreaterThanOrEqual(drafts!);
  expect(await counted(plain, 'drafts')).toBe(0);
  expect(await drafted.metric(`vllm:kv_cache_usage_perc{model_name="${MODEL}",engine="0"}`)).toBe(0);
});

it('gives the same bits alone and beside others, where it is told to', async () => {
  const ask = async (): Promise<unknown> => {
    const sampling = { temperature: 1, seed: 7, logprobs: 2 };
    return (await plain.client.completions.create({ model: MODEL, prompt: 'What is 12 + 30? '.repeat(9), max_tokens: 24, ...sampling }))
      .choices;
  };
  const alone = await ask();
  const others = Array.from({ length: 7 }, (_, index) =>
    plain.client.completions.create({ model: MODEL, prompt: 'Sort 9, 4, 7. '.repeat(1 + 4 * index), max_tokens: 24, seed: index }),
  );
  const [beside] = await Promise.all([ask(), ...others]);
  expect(beside).toEqual(alone);
});

import { z } from 'zod';

const MAX_PENALTY = 2;
/** As of `generation_config.json`. Smaller ones would make logits infinite. */
const [MIN_REPETITION_PENALTY, MAX_REPETITION_PENALTY] = [1e-3, 100];
const MAX_BIAS = 100;
export const MAX_BIASES = 1024;
export const MAX_BAD_WORDS = 128;
export const MAX_BAD_WORD_LENGTH = 256;
export const MAX_ALLOWED_TOKEN_IDS = 2 ** 17;

const penalty = z.number().min(-MAX_PENALTY).max(MAX_PENALTY).nullish();
const tokenIdText = z.string().regex(/^(0|[1-9]\d{0,7})$/);

/** Fields that change the logits before a token is chosen; docs/sampling.md says how and in which order. */
export const logitFields = {
  frequency_penalty: penalty.describe("Taken from a token's logit for each time that the answer has it. Default: 0."),
  presence_penalty: penalty.describe("Taken from a token's logit once the answer has it. Default: 0."),
  repetition_penalty: z
    .number()
    .min(MIN_REPETITION_PENALTY)
    .max(MAX_REPETITION_PENALTY)
    .nullish()
    .describe("Above 1, tokens of prompt and answer become less probable. Default: the checkpoint's generation_config.json, else 1."),
  logit_bias: z
    .record(tokenIdText, z.number().min(-MAX_BIAS).max(MAX_BIAS), {
      error: ({ code }) => (code === 'invalid_key' ? 'Expected a token id as the name' : undefined),
    })
    .refine((biases) => Object.keys(biases).length <= MAX_BIASES, { error: `At most ${MAX_BIASES} entries are allowed` })
    .nullish()
    .describe('Token ids, and what is added to their logits.'),
  min_tokens: z
    .int()
    .min(0)
    .nullish()
    .describe('Tokens before the answer may end: by its end token, a stop token or a stop string. Default: 0.'),
  bad_words: z
    .array(z.string().max(MAX_BAD_WORD_LENGTH).regex(/\S/, { error: 'Expected more than blanks' }))
    .max(MAX_BAD_WORDS)
    .nullish()
    .describe('Texts that may not come up: the last token of each is forbidden where those before it have just come.'),
  allowed_token_ids: z.array(z.int().min(0)).min(1).max(MAX_ALLOWED_TOKEN_IDS).nullish().describe('Tokens that may come. Default: all.'),
};

export type LogitFields = z.infer<z.ZodObject<typeof logitFields>>;

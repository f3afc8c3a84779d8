import { z } from 'zod';
import { logitFields } from './logit-fields.js';

/** Limits on what one request may carry, next to the body limit. */
export const MAX_STOP_STRINGS = 16;
export const MAX_STOP_LENGTH = 256;
export const MAX_STOP_TOKEN_IDS = 128;
export const MAX_LOGPROBS = 20;
/** Sequences of one request: choices of all prompts together. */
export const MAX_CHOICES = 128;
export const MAX_CACHE_SALT_LENGTH = 256;

const MAX_PRIORITY = 2 ** 31 - 1;
export const MAX_REQUEST_TIMEOUT_S = 86_400;

const stopString = z.string().min(1).max(MAX_STOP_LENGTH);

/** Fields of both chat and text completions that choose tokens, end the text or add to the response: OpenAI's, then vLLM's. */
export const generationFields = {
  model: z.string().nullish().describe('A name from GET /v1/models; the served model where absent.'),
  stream: z.boolean().nullish(),
  stream_options: z
    .object({ include_usage: z.boolean().nullish(), continuous_usage_stats: z.boolean().nullish() })
    .nullish()
    .describe(
      'Only with stream. include_usage adds a last chunk with the usage and no choices; with continuous_usage_stats, too, every chunk has the usage so far.',
    ),
  max_tokens: z.int().min(1).nullish().describe('Tokens to generate at most; prompt and answer together must fit the context.'),
  temperature: z.number().min(0).max(2).nullish().describe("0 is greedy. Default: the checkpoint's generation_config.json, else 1."),
  top_p: z.number().gt(0).max(1).nullish(),
  seed: z.int().nullish().describe('The same seed, prompt and parameters give the same tokens. Random where absent.'),
  n: z.int().min(1).max(MAX_CHOICES).nullish().describe('Choices of each prompt. Default: 1. More need a temperature above 0.'),
  stop: z
    .union([stopString, z.array(stopString).max(MAX_STOP_STRINGS)], {
      error: `Expected a non-empty string or at most ${MAX_STOP_STRINGS} of them, each of at most ${MAX_STOP_LENGTH} characters`,
    })
    .nullish(),

  ...logitFields,
  top_k: z.int().min(-1).nullish().describe('0 or -1: all tokens.'),
  min_p: z.number().min(0).max(1).nullish(),
  stop_token_ids: z.array(z.int().min(0)).max(MAX_STOP_TOKEN_IDS).nullish(),
  ignore_eos: z.boolean().nullish().describe('Go on past the end token, up to max_tokens.'),
  include_stop_str_in_output: z.boolean().nullish(),
  skip_special_tokens: z.boolean().nullish().describe('Leave special tokens out of the text. Default: true.'),
  cache_salt: z
    .string()
    .min(1)
    .max(MAX_CACHE_SALT_LENGTH)
    .nullish()
    .describe('Only requests with the same salt share what is computed of prompts that begin alike.'),
  priority: z
    .int()
    .min(-MAX_PRIORITY)
    .max(MAX_PRIORITY)
    .nullish()
    .describe('Lower is sooner: it is served before, and at the cost of, requests with higher ones. Default: 0.'),
  timeout: z
    .number()
    .gt(0)
    .max(MAX_REQUEST_TIMEOUT_S)
    .nullish()
    .describe('Seconds after which the request fails with deadline_exceeded if it is not done. Default: no limit.'),
  prompt_logprobs: z
    .int()
    .min(0)
    .max(MAX_LOGPROBS)
    .nullish()
    .describe('Add the log probability of each token of the prompt, and so many alternatives. Not with stream.'),
  return_token_ids: z.boolean().nullish().describe('Add prompt_token_ids and token_ids to each choice.'),
  return_tokens_as_token_ids: z.boolean().nullish().describe('Write tokens in logprobs as "token_id:N".'),
};

/** The part of a request that both endpoints share. */
export type GenerationFields = z.infer<z.ZodObject<typeof generationFields>>;

/** Says which fields contradict one another. */
export function checkStreamOptions(
  request: { stream?: boolean | null | undefined; stream_options?: unknown; prompt_logprobs?: number | null | undefined },
  context: z.RefinementCtx,
): void {
  if (request.stream && request.prompt_logprobs != null) {
    context.addIssue({ code: 'custom', path: ['prompt_logprobs'], message: 'Not possible with "stream": true' });
  }
  if (request.stream_options && !request.stream) {
    context.addIssue({ code: 'custom', path: ['stream_options'], message: 'Only allowed with "stream": true' });
  }
}

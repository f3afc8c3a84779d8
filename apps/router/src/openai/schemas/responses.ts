import { z } from 'zod';

/** What both endpoints answer. These schemas type the code and document the API; responses are not validated at run time. */

const finishReason = z.enum(['stop', 'length']);
const chatFinishReason = z.enum(['stop', 'length', 'tool_calls']);
const stopReason = z.union([z.string(), z.int()]).nullable().describe('The stop string or stop token id that ended the text, if one did.');
const tokenIds = z.array(z.int()).optional().describe('With return_token_ids.');

export const usageSchema = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({
    cached_tokens: z.int().describe('That did not have to be computed again: they were in the prefix cache.'),
  }),
  completion_tokens_details: z
    .object({ reasoning_tokens: z.int().describe('Of the thoughts, without their tags.') })
    .optional()
    .describe('Of chat completions.'),
});
export type Usage = z.infer<typeof usageSchema>;

const tokenLogprob = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()) });
export const chatLogprobsSchema = z.object({ content: z.array(tokenLogprob.extend({ top_logprobs: z.array(tokenLogprob) })) });
export type ChatLogprobs = z.infer<typeof chatLogprobsSchema>;

/** As vLLM has them: null for the first token, then for each one the tokens by id, itself and the alternatives. */
const promptLogprobs = z
  .array(z.record(z.string(), z.object({ logprob: z.number(), rank: z.int(), decoded_token: z.string() })).nullable())
  .optional()
  .describe('With prompt_logprobs.');
export type PromptLogprobsBody = NonNullable<z.infer<typeof promptLogprobs>>;

export const completionLogprobsSchema = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()).describe('Null for the first token of a prompt.'),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
  text_offset: z.array(z.int()),
});
export type CompletionLogprobs = z.infer<typeof completionLogprobsSchema>;

const envelope = { id: z.string(), created: z.int().describe('Unix time in seconds.'), model: z.string() };

const reasoningContent = z.string().optional().describe('The thought, where there is one.');

export const chatCompletionSchema = z.object({
  ...envelope,
  object: z.literal('chat.completion'),
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({
        role: z.literal('assistant'),
        content: z.string().nullable().describe('Null beside a thought or tool calls without an answer.'),
        reasoning_content: reasoningContent,
        tool_calls: z
          .array(
            z.object({
              id: z.string(),
              type: z.literal('function'),
              function: z.object({ name: z.string(), arguments: z.string().describe('JSON, as the model wrote it.') }),
            }),
          )
          .optional(),
      }),
      logprobs: chatLogprobsSchema.nullable(),
      finish_reason: chatFinishReason,
      stop_reason: stopReason,
      prompt_token_ids: tokenIds,
      token_ids: tokenIds,
    }),
  ),
  usage: usageSchema,
  prompt_token_ids: tokenIds,
  prompt_logprobs: promptLogprobs,
});
export type ChatCompletion = z.infer<typeof chatCompletionSchema>;

export const chatChunkSchema = z.object({
  ...envelope,
  object: z.literal('chat.completion.chunk'),
  choices: z.array(
    z.object({
      index: z.int(),
      delta: z.object({
        role: z.literal('assistant').optional(),
        content: z.string().optional(),
        reasoning_content: reasoningContent,
        tool_calls: z
          .array(
            z.object({
              index: z.int(),
              id: z.string().optional(),
              type: z.literal('function').optional(),
              function: z.object({ name: z.string().optional(), arguments: z.string() }),
            }),
          )
          .optional()
          .describe('Id and name come first, then the arguments in pieces.'),
      }),
      logprobs: chatLogprobsSchema.nullable(),
      finish_reason: chatFinishReason.nullable(),
      stop_reason: stopReason.optional(),
      prompt_token_ids: tokenIds,
      token_ids: tokenIds,
    }),
  ),
  usage: usageSchema.nullable().optional(),
  prompt_token_ids: tokenIds,
});
export type ChatChunk = z.infer<typeof chatChunkSchema>;

const completionChoice = z.object({
  index: z.int(),
  text: z.string(),
  logprobs: completionLogprobsSchema.nullable(),
  finish_reason: finishReason.nullable(),
  stop_reason: stopReason,
  prompt_token_ids: tokenIds,
  token_ids: tokenIds,
  prompt_logprobs: promptLogprobs,
  routed_experts: z
    .array(z.array(z.array(z.int()).nullable()))
    .optional()
    .describe(
      'With return_routed_experts, for each token of prompt and answer but the last: the experts of each layer, largest weight first.',
    ),
});
export type CompletionChoice = z.infer<typeof completionChoice>;

export const completionSchema = z.object({
  ...envelope,
  object: z.literal('text_completion'),
  choices: z.array(completionChoice),
  usage: usageSchema
    .nullable()
    .optional()
    .describe(
      'In a stream: with stream_options.include_usage, on the last chunk; with continuous_usage_stats, too, on every chunk so far.',
    ),
});
export type Completion = z.infer<typeof completionSchema>;

export const errorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.enum(['invalid_request_error', 'rate_limit_error', 'server_error']),
    param: z.string().nullable().describe('The request field the error is about.'),
    code: z.string().describe('Stable; docs/errors.md lists them.'),
  }),
});
export type ErrorBody = z.infer<typeof errorSchema>;

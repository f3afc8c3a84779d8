import { z } from 'zod';
import { checkStreamOptions, generationFields, MAX_LOGPROBS } from './fields.js';
import { chatMessageSchema } from './messages.js';
import { checkStructuredOutput, structuredOutputFields } from './structured-output.js';
import { checkToolChoice, MAX_TOOLS, toolChoiceFields, toolSchema } from './tools.js';
import { unsupportedChatFields, unsupportedFields } from './unsupported.js';

export const MAX_MESSAGES = 1024;
const MAX_TEMPLATE_KWARGS = 32;
const MAX_TEMPLATE_KWARG_LENGTH = 1024;
/** Names that a template gets from us. */
const RESERVED_TEMPLATE_KWARGS = /^(messages|add_generation_prompt|tools|documents|chat_template|tokenize|\w+_token)$/;

const templateKwargs = z
  .record(
    z.string().regex(/^[A-Za-z_]\w{0,63}$/, { error: 'Expected a name of letters, digits and _' }),
    z.union([z.string().max(MAX_TEMPLATE_KWARG_LENGTH), z.number(), z.boolean(), z.null()], {
      error: `Expected a string of at most ${MAX_TEMPLATE_KWARG_LENGTH} characters, a number, a boolean or null`,
    }),
  )
  .refine((kwargs) => Object.keys(kwargs).length <= MAX_TEMPLATE_KWARGS, { error: `At most ${MAX_TEMPLATE_KWARGS} entries are allowed` })
  .refine((kwargs) => !Object.keys(kwargs).some((name) => RESERVED_TEMPLATE_KWARGS.test(name)), {
    error: 'May not replace what the server gives the template (messages, add_generation_prompt, special tokens)',
  });

export const MAX_EFFORT_LENGTH = 32;

/** The fields that make a prompt of a conversation: of chat completions and of /tokenize. */
export const conversationFields = {
  messages: z.array(chatMessageSchema).min(1).max(MAX_MESSAGES),
  add_generation_prompt: z.boolean().nullish().describe("Let the prompt end where the assistant's answer begins. Default: true."),
  tools: z.array(toolSchema).max(MAX_TOOLS).nullish().describe('Functions that the model may call. Its chat template must know tools.'),
  reasoning_effort: z.string().max(MAX_EFFORT_LENGTH).nullish().describe("A variable of the model's chat template, where it knows it."),
  chat_template_kwargs: templateKwargs.nullish().describe("Further variables of the model's chat template."),
};

export type Conversation = z.infer<z.ZodObject<typeof conversationFields>>;

export const chatFields = {
  ...conversationFields,
  ...generationFields,
  max_completion_tokens: z.int().min(1).nullish().describe('The same as max_tokens, and goes before it. Default: what fits the context.'),
  ...toolChoiceFields,
  ...structuredOutputFields,
  include_reasoning: z
    .boolean()
    .nullish()
    .describe('false: thoughts are counted in the usage, but neither their text nor their tokens are sent. Default: true.'),
  max_reasoning_tokens: z
    .int()
    .min(0)
    .nullish()
    .describe('Tokens of the thought at most; then it is closed, and the answer begins. Default: no limit but max_tokens.'),
  thinking_token_budget: z.int().min(-1).nullish().describe('The same as max_reasoning_tokens, which goes before it; -1: no limit.'),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(MAX_LOGPROBS).nullish().describe('Only with logprobs.'),
  ...unsupportedFields,
  ...unsupportedChatFields,
};

/** POST /v1/chat/completions */
export const chatRequestSchema = z.object(chatFields).superRefine((request, context) => {
  checkStreamOptions(request, context);
  checkStructuredOutput(request, context);
  checkToolChoice(request, context);
  if (request.top_logprobs && !request.logprobs) {
    context.addIssue({ code: 'custom', path: ['top_logprobs'], message: 'Only allowed with "logprobs": true' });
  }
});

export type ChatRequest = z.infer<typeof chatRequestSchema>;

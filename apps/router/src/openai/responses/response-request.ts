import { z } from 'zod';
import { MAX_EFFORT_LENGTH } from '../schemas/chat-request.js';
import { generationFields } from '../schemas/fields.js';
import { jsonSchema } from '../schemas/structured-output.js';
import { checkToolChoice, MAX_DESCRIPTION_LENGTH, MAX_TOOLS, toolSchema } from '../schemas/tools.js';
import { absent, closedObject, emptyList, only } from '../schemas/unsupported.js';
import { inputSchema } from './input-items.js';
import { toolFields } from './tool-fields.js';

const MAX_METADATA = 16;
const MAX_METADATA_KEY = 64;
const MAX_METADATA_VALUE = 512;

const metadata = z
  .record(z.string().max(MAX_METADATA_KEY), z.string().max(MAX_METADATA_VALUE))
  .refine((pairs) => Object.keys(pairs).length <= MAX_METADATA, { error: `At most ${MAX_METADATA} entries are allowed` });

const functionTool = closedObject({
  type: z.literal('function', { error: 'Only tools of type "function" are supported' }),
  name: toolSchema.shape.function.shape.name,
  description: z.string().max(MAX_DESCRIPTION_LENGTH).nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish().describe('A JSON schema.'),
  strict: z.boolean().nullish().describe('Calls are held to the schema where they are required, and else not: the response says false.'),
});

const toolChoice = z.union([z.literal(['none', 'auto', 'required']), closedObject({ type: z.literal('function'), name: z.string() })], {
  error: 'Expected "none", "auto", "required" or {"type": "function", "name": …}',
});

const reasoning = closedObject({
  effort: z.string().max(MAX_EFFORT_LENGTH).nullish().describe("A variable of the model's chat template, where it knows it."),
  summary: only('auto', 'Summaries of thoughts are'),
  generate_summary: only('auto', 'Summaries of thoughts are'),
  context: only('auto', 'Choosing which thoughts are shown again is'),
  mode: only('standard', 'Other modes are'),
});

const textFormat = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      name: z.string().max(64),
      schema: jsonSchema,
      description: z.string().max(MAX_DESCRIPTION_LENGTH).nullish(),
      strict: z.boolean().nullish().describe('The answer is held to the schema whatever it says.'),
    }),
  ],
  { error: 'Expected "text", "json_object" or "json_schema"' },
);

const text = closedObject({
  format: textFormat.nullish().describe('What the answer must be; docs/structured-output.md lists the keywords.'),
  verbosity: only('medium', 'Choosing how much is said is'),
});

/** Neither is needed here: items hold the thought itself. */
const INCLUDABLE = 'reasoning.encrypted_content';

const { model, stream, temperature, top_p, seed, stop, top_k, min_p, stop_token_ids, ignore_eos, cache_salt, priority, timeout } =
  generationFields;

/** Fields of POST /v1/responses that do something: OpenAI's, then ours. */
const supportedFields = {
  model,
  input: inputSchema.describe('A text, or messages, function calls, their outputs and thoughts.'),
  instructions: z.string().nullish().describe('The system message; it goes before the input and is not carried over to the next response.'),
  previous_response_id: z.string().min(1).max(128).nullish().describe('The conversation goes on from this response, which must be kept.'),
  stream,
  background: z.boolean().nullish().describe('Answer at once, and generate meanwhile; GET tells how far it is. Not with stream.'),
  store: z.boolean().nullish().describe('Keep the response for GET and previous_response_id. Default: true, where the server keeps any.'),
  max_output_tokens: z.int().min(1).nullish().describe('Thought and answer together. Default: what fits the context.'),
  temperature,
  top_p,
  tools: z.array(functionTool).max(MAX_TOOLS).nullish().describe('Functions that the model may call. Its chat template must know tools.'),
  tool_choice: toolChoice
    .nullish()
    .describe(
      'none: the model is not shown the tools. required: it calls one of them at least. A named one: it calls this one. Default: auto.',
    ),
  parallel_tool_calls: z.boolean().nullish().describe('false: only the first call of an answer is reported. Default: true.'),
  text: text.nullish(),
  reasoning: reasoning.nullish(),
  metadata: metadata.nullish(),

  max_reasoning_tokens: z.int().min(0).nullish().describe('Tokens of the thought at most; then it is closed, and the answer begins.'),
  seed,
  stop,
  top_k,
  min_p,
  stop_token_ids,
  ignore_eos,
  cache_salt,
  priority,
  timeout,
};

/** Fields that change nothing here whatever their value, or of which only the value passes that changes nothing. */
const otherFields = {
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.string().nullish(),
  service_tier: z.string().nullish(),
  max_tool_calls: z.int().nullish().describe('Of tools that the server runs, of which there are none.'),
  include: z.array(z.literal(INCLUDABLE, { error: `Only "${INCLUDABLE}" is allowed, which changes nothing` })).nullish(),
  truncation: only('disabled', 'Truncating the input is'),
  stream_options: closedObject({ include_obfuscation: only(false, 'Obfuscation is') }).nullish(),
  top_logprobs: only(0, 'Log probabilities are'),
  conversation: absent('Conversations are'),
  prompt: absent('Stored prompts are'),
  context_management: emptyList('Managing the context is'),
  prompt_cache_options: absent('Choosing what is cached is'),
  moderation: absent('Moderation is'),
  image: absent('Images are'),
  access_programs: absent('Access programs are'),
};

/** POST /v1/responses */
export const responseFields = { ...supportedFields, ...otherFields };
export const responseRequestSchema = closedObject(responseFields).superRefine(checkTogether);
export type ResponseRequest = z.infer<z.ZodObject<typeof responseFields>>;

/** Says which fields contradict one another. */
function checkTogether(request: ResponseRequest, context: z.RefinementCtx): void {
  checkToolChoice(toolFields(request), context);
  const refuse = (field: string, message: string): void => context.addIssue({ code: 'custom', path: [field], message });
  if (request.background && request.stream) refuse('stream', 'Not supported with "background": true: ask GET /v1/responses/{id} instead');
  if (request.background && request.store === false)
    refuse('store', 'Must not be false with "background": true, for nobody could ask for the response');
  if (request.stream_options != null && !request.stream) refuse('stream_options', 'Only allowed with "stream": true');
}

import { z } from 'zod';

/** What the Responses API answers. These schemas type the code and document the API; responses are not validated at run time. */

const itemStatus = z.enum(['in_progress', 'completed', 'incomplete']);
export type ItemStatus = z.infer<typeof itemStatus>;

const outputText = z.object({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.never()),
  logprobs: z.array(z.never()),
});
const reasoningText = z.object({ type: z.literal('reasoning_text'), text: z.string() });
export type ContentPart = z.infer<typeof outputText> | z.infer<typeof reasoningText>;

const messageItem = z.object({
  type: z.literal('message'),
  id: z.string(),
  role: z.literal('assistant'),
  status: itemStatus,
  content: z.array(outputText),
});
const reasoningItem = z.object({
  type: z.literal('reasoning'),
  id: z.string(),
  summary: z.array(z.never()),
  content: z.array(reasoningText).describe('The thought.'),
  encrypted_content: z.null(),
  status: itemStatus,
});
const functionCallItem = z.object({
  type: z.literal('function_call'),
  id: z.string(),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string().describe('JSON, as the model wrote it.'),
  status: itemStatus,
});
export const outputItemSchema = z.discriminatedUnion('type', [messageItem, reasoningItem, functionCallItem]);
export type OutputItem = z.infer<typeof outputItemSchema>;

export const responseUsageSchema = z.object({
  input_tokens: z.int(),
  input_tokens_details: z.object({ cached_tokens: z.int(), cache_write_tokens: z.int() }),
  output_tokens: z.int(),
  output_tokens_details: z.object({ reasoning_tokens: z.int().describe('Of the thought, without its tags.') }),
  total_tokens: z.int(),
});
export type ResponseUsage = z.infer<typeof responseUsageSchema>;

export const responseSchema = z.object({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.int().describe('Unix time in seconds.'),
  completed_at: z.int().nullable(),
  status: z.enum(['queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled']),
  error: z.object({ code: z.literal('server_error'), message: z.string() }).nullable(),
  incomplete_details: z.object({ reason: z.literal('max_output_tokens') }).nullable(),
  output: z.array(outputItemSchema),
  usage: responseUsageSchema.nullable(),

  background: z.boolean(),
  instructions: z.string().nullable(),
  max_output_tokens: z.int().nullable(),
  max_tool_calls: z.null(),
  metadata: z.record(z.string(), z.string()),
  model: z.string(),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.string().nullable(),
  reasoning: z.object({ effort: z.string().nullable(), summary: z.null() }),
  service_tier: z.literal('default'),
  store: z.boolean(),
  temperature: z.number(),
  text: z.object({ format: z.looseObject({ type: z.enum(['text', 'json_object', 'json_schema']) }) }),
  tool_choice: z.union([z.enum(['none', 'auto', 'required']), z.object({ type: z.literal('function'), name: z.string() })]),
  tools: z.array(
    z.object({
      type: z.literal('function'),
      name: z.string(),
      description: z.string().nullable(),
      parameters: z.record(z.string(), z.unknown()).nullable(),
      strict: z.literal(false),
    }),
  ),
  top_logprobs: z.literal(0),
  top_p: z.number(),
  truncation: z.literal('disabled'),
  user: z.string().nullable(),
});
export type ResponseObject = z.infer<typeof responseSchema>;

/** What a response says of its request: known before anything is generated. */
export type ResponseSettings = Omit<
  ResponseObject,
  'object' | 'completed_at' | 'status' | 'error' | 'incomplete_details' | 'output' | 'usage'
>;

export const inputItemListSchema = z.object({
  object: z.literal('list'),
  data: z.array(z.looseObject({ type: z.string(), id: z.string() })),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
});
export type InputItemList = z.infer<typeof inputItemListSchema>;

export const deletedResponseSchema = z.object({ id: z.string(), object: z.literal('response'), deleted: z.literal(true) });
export type DeletedResponse = z.infer<typeof deletedResponseSchema>;

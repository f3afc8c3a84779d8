import { z } from 'zod';
import { MAX_EFFORT_LENGTH, MAX_MESSAGES } from '../../openai/schemas/chat-request.js';
import { generationFields, MAX_STOP_LENGTH, MAX_STOP_STRINGS } from '../../openai/schemas/fields.js';
import { jsonSchema } from '../../openai/schemas/structured-output.js';
import { checkToolChoice, MAX_DESCRIPTION_LENGTH, MAX_TOOLS } from '../../openai/schemas/tools.js';
import { absent, closedObject, emptyList, only } from '../../openai/schemas/unsupported.js';
import { messageSchema, textContent } from './content-blocks.js';
import { toolFields } from './tool-fields.js';

const anything = z.unknown().optional();

const tool = closedObject({
  type: z.literal('custom', { error: 'Only tools of the client’s own (no type, or "custom") are supported' }).nullish(),
  name: z.string().regex(/^[\w-]{1,128}$/, { error: 'Expected 1 to 128 letters, digits, _ and -' }),
  description: z.string().max(MAX_DESCRIPTION_LENGTH).nullish(),
  input_schema: z.record(z.string(), z.unknown()).describe('A JSON schema.'),
  strict: z.boolean().nullish().describe('Inputs are held to the schema where a call is required, and else not.'),
  eager_input_streaming: anything.describe('Changes nothing: inputs are always streamed as they come.'),
  cache_control: anything.describe('Changes nothing.'),
});

const disableParallel = { disable_parallel_tool_use: z.boolean().nullish() };
const toolChoice = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal(['auto', 'any']), ...disableParallel }),
    z.object({ type: z.literal('tool'), name: z.string(), ...disableParallel }),
    z.object({ type: z.literal('none') }),
  ],
  { error: 'Expected "auto", "any", "tool" or "none"' },
);

const display = z.enum(['summarized', 'omitted']).nullish();
const thinking = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('enabled'), budget_tokens: z.int().min(1).describe('Less than max_tokens.'), display }),
    z.object({ type: z.literal('adaptive'), display }),
    z.object({ type: z.literal('disabled') }),
  ],
  { error: 'Expected "enabled", "adaptive" or "disabled"' },
);

const outputConfig = closedObject({
  effort: z.string().max(MAX_EFFORT_LENGTH).nullish().describe("The variable reasoning_effort of the model's chat template."),
  format: z
    .object({ type: z.literal('json_schema', { error: 'Expected "json_schema"' }), schema: jsonSchema })
    .nullish()
    .describe('What the answer must be; docs/structured-output.md lists the keywords.'),
});

/** Of both endpoints: what makes the prompt. */
const promptFields = {
  model: generationFields.model,
  messages: z.array(messageSchema).min(1).max(MAX_MESSAGES),
  system: textContent.nullish(),
  tools: z.array(tool).max(MAX_TOOLS).nullish().describe('Functions that the model may call. Its chat template must know tools.'),
  tool_choice: toolChoice
    .nullish()
    .describe('none: the model is not shown the tools. any: it calls one of them at least. tool: it calls this one. Default: auto.'),
  thinking: thinking
    .nullish()
    .describe(
      'enabled: the thought is sent, of budget_tokens at most; adaptive: without a limit; disabled: it is closed at once. Absent: the model thinks as it ' +
        'does, and its thought is counted but not sent. display "omitted" keeps it back, too.',
    ),
  output_config: outputConfig.nullish(),
  cache_control: anything.describe('Changes nothing.'),
  speed: only('standard', 'Other speeds are'),
};

/** Fields of POST /v1/messages. */
export const messageFields = {
  ...promptFields,
  max_tokens: z.int().min(1).describe('Thought and answer together.'),
  stop_sequences: z.array(z.string().min(1).max(MAX_STOP_LENGTH)).max(MAX_STOP_STRINGS).nullish(),
  stream: generationFields.stream,
  temperature: generationFields.temperature,
  top_p: generationFields.top_p,
  top_k: z.int().min(0).nullish().describe('0: all tokens.'),
  metadata: closedObject({ user_id: z.string().max(512).nullish() })
    .nullish()
    .describe('Changes nothing.'),
  service_tier: z.enum(['auto', 'standard_only']).nullish().describe('Changes nothing.'),
  container: absent('Containers are'),
  context_management: absent('Managing the context is'),
  diagnostics: absent('Diagnostics are'),
  inference_geo: absent('Choosing where to compute is'),
  mcp_servers: emptyList('MCP servers are'),
  thread: absent('Threads are'),
  user_profile_id: absent('Profiles are'),
  workspace_id: absent('Workspaces are'),
};
export const messageRequestSchema = closedObject(messageFields).superRefine(checkTogether);
export type MessageRequest = z.infer<z.ZodObject<typeof messageFields>>;

/** POST /v1/messages/count_tokens */
export const countTokensSchema = closedObject(promptFields).superRefine(checkConversation);
export type CountTokensRequest = z.infer<z.ZodObject<typeof promptFields>>;

function checkTogether(request: MessageRequest, context: z.RefinementCtx): void {
  checkConversation(request, context);
  const { thinking, max_tokens } = request;
  if (thinking?.type === 'enabled' && thinking.budget_tokens >= max_tokens) {
    context.addIssue({
      code: 'custom',
      path: ['thinking', 'budget_tokens'],
      message: `Must be less than max_tokens, which is ${max_tokens}`,
    });
  }
}

function checkConversation(request: CountTokensRequest, context: z.RefinementCtx): void {
  const { messages } = request;
  checkToolChoice(toolFields(request), context);
  const refuse = (path: (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path: ['messages', ...path], message });
  if (messages.at(-1)?.role === 'assistant') {
    refuse([messages.length - 1], 'The last message must be the user’s: continuing the assistant’s is not supported');
  }
  const calls = new Set<string>();
  for (const [index, { content }] of messages.entries()) {
    for (const [position, block] of (typeof content === 'string' ? [] : content).entries()) {
      if (block.type === 'tool_use') calls.add(block.id);
      if (block.type === 'tool_result' && !calls.has(block.tool_use_id)) {
        refuse([index, 'content', position, 'tool_use_id'], `No tool_use with the id ${JSON.stringify(block.tool_use_id)} comes before it`);
      }
    }
  }
}

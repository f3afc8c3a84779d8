import { z } from 'zod';
import { MAX_ID_LENGTH } from '../../openai/schemas/messages.js';
import { textOr } from '../../openai/schemas/text-or.js';

/** What messages of the Messages API are made of. `cache_control` and `citations` change nothing here and are dropped. */

const textBlock = z.object({ type: z.literal('text'), text: z.string() });
/** A text, or blocks of text. */
export const textContent = textOr(z.array(textBlock), 'a string or a list of {"type": "text", "text": …} blocks');

const toolId = z.string().min(1).max(MAX_ID_LENGTH);

const toolUseBlock = z.object({
  type: z.literal('tool_use'),
  id: toolId,
  name: z.string().min(1).max(MAX_ID_LENGTH),
  input: z.record(z.string(), z.unknown()),
});

const toolResultBlock = z.object({
  type: z.literal('tool_result'),
  tool_use_id: toolId.describe('Of the tool_use that it answers, which must come before.'),
  content: textContent.nullish(),
  is_error: z.boolean().nullish().describe('The model is shown the content alone.'),
});

const thinkingBlock = z.object({
  type: z.literal('thinking'),
  thinking: z.string().describe('Shown to the model where its template does so.'),
  signature: z.string().nullish().describe('Not looked at.'),
});

const userContent = textOr(z.array(blockOf([textBlock, toolResultBlock])).min(1), 'a string or a list of blocks');
const assistantContent = textOr(z.array(blockOf([textBlock, thinkingBlock, toolUseBlock])).min(1), 'a string or a list of blocks');

export const messageSchema = z.discriminatedUnion(
  'role',
  [z.object({ role: z.literal('user'), content: userContent }), z.object({ role: z.literal('assistant'), content: assistantContent })],
  { error: 'Expected the role "user" or "assistant"; what a system message would say goes into "system"' },
);
export type AnthropicMessage = z.infer<typeof messageSchema>;
export type TextContent = z.infer<typeof textContent>;

type TypedBlock = z.ZodObject<{ type: z.ZodLiteral<string> }>;

function blockOf<const T extends readonly [TypedBlock, ...TypedBlock[]]>(blocks: T): z.ZodDiscriminatedUnion<T, 'type'> {
  const names = blocks.map(({ shape }) => JSON.stringify(shape.type.value)).join(', ');
  return z.discriminatedUnion('type', blocks, { error: `Only blocks of type ${names} are supported here` });
}

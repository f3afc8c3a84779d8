import { z } from 'zod';

const MAX_TOOL_CALLS = 128;
export const MAX_ID_LENGTH = 256;

const textPart = z.object({ type: z.literal('text', { error: 'Only parts of type "text" are supported' }), text: z.string() });

const toolCall = z.object({
  id: z.string().max(MAX_ID_LENGTH).nullish(),
  type: z.literal('function', { error: 'Only tool calls of type "function" are supported' }).default('function'),
  function: z.object({ name: z.string().min(1).max(MAX_ID_LENGTH), arguments: z.string().describe('JSON, as the model wrote it.') }),
});

/** A message of a conversation. */
export const chatMessageSchema = z
  .object({
    role: z.enum(['system', 'developer', 'user', 'assistant', 'tool'], {
      error: ({ input }) =>
        input === 'function'
          ? 'Role "function" is not supported: send the result as a message of role "tool"'
          : 'Expected "system", "developer", "user", "assistant" or "tool"',
    }),
    content: z
      .union([z.string(), z.array(textPart).min(1)], { error: 'Expected a string or a list of {"type": "text", "text": …} parts' })
      .nullish(),
    name: z.string().max(MAX_ID_LENGTH).nullish(),
    tool_calls: z.array(toolCall).max(MAX_TOOL_CALLS).nullish().describe('Of an assistant.'),
    tool_call_id: z.string().max(MAX_ID_LENGTH).nullish().describe('Of a tool: the call that it answers.'),
    reasoning_content: z.string().nullish().describe('Of an assistant: its thought. Shown to the model where its template does so.'),
    reasoning: z.string().nullish().describe('The same as reasoning_content, by its other name.'),
  })
  .superRefine(({ role, content, tool_calls, tool_call_id, reasoning_content, reasoning }, context) => {
    const isAssistant = role === 'assistant';
    const refuse = (field: string, message: string): void => context.addIssue({ code: 'custom', path: [field], message });
    if (content == null && !(isAssistant && (tool_calls?.length || reasoning_content || reasoning))) {
      refuse('content', 'Expected a string or a list of {"type": "text", "text": …} parts');
    }
    if (tool_calls?.length && !isAssistant) refuse('tool_calls', 'Only allowed with the role "assistant"');
    if (role === 'tool' && tool_call_id == null) refuse('tool_call_id', 'Expected the id of the tool call that the message answers');
  });

import { z } from 'zod';
import { MAX_MESSAGES } from '../schemas/chat-request.js';
import { MAX_ID_LENGTH } from '../schemas/messages.js';
import { textOr } from '../schemas/text-or.js';

/** What an input of the Responses API is made of. Fields that change nothing (`status`, `phase`, `annotations`, …) are dropped. */

const id = z.string().max(MAX_ID_LENGTH).nullish();
const callId = z.string().min(1).max(MAX_ID_LENGTH);

const textPart = z.object({
  type: z.enum(['input_text', 'output_text'], {
    error: 'Only parts of type "input_text" and, of an assistant, "output_text" are supported',
  }),
  text: z.string(),
});
const text = textOr(z.array(textPart).min(1), 'a string or a list of {"type": "input_text", "text": …} parts');

const messageItem = z.object({
  type: z.literal('message').optional(),
  id,
  role: z.enum(['user', 'assistant', 'system', 'developer'], { error: 'Expected "user", "assistant", "system" or "developer"' }),
  content: text,
});

const functionCallItem = z.object({
  type: z.literal('function_call'),
  id,
  call_id: callId,
  name: z.string().min(1).max(MAX_ID_LENGTH),
  arguments: z.string().describe('JSON, as the model wrote it.'),
});

const functionCallOutputItem = z.object({
  type: z.literal('function_call_output'),
  id,
  call_id: callId.describe('Of the function_call that it answers, which must come before.'),
  output: text,
});

const reasoningItem = z.object({
  type: z.literal('reasoning'),
  id,
  summary: z
    .array(z.object({ type: z.literal('summary_text'), text: z.string() }))
    .nullish()
    .describe('Not shown to the model.'),
  content: z
    .array(z.object({ type: z.literal('reasoning_text'), text: z.string() }))
    .nullish()
    .describe('The thought. Shown to the model where its template does so.'),
  encrypted_content: z.null({ error: 'Thoughts are not encrypted here: send "content"' }).optional(),
});

export const inputItemSchema = z.discriminatedUnion('type', [messageItem, functionCallItem, functionCallOutputItem, reasoningItem], {
  error: ({ input }) =>
    typeof input === 'object' && input !== null && 'type' in input && input.type === 'item_reference'
      ? 'References to items are not supported: send the item itself, or previous_response_id'
      : 'Only items of type "message", "function_call", "function_call_output" and "reasoning" are supported',
});
export type InputItem = z.infer<typeof inputItemSchema>;

export const MAX_ITEMS = MAX_MESSAGES;
export const inputSchema = textOr(z.array(inputItemSchema).min(1).max(MAX_ITEMS), 'a string or a list of items');

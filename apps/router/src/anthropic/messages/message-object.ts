import { z } from 'zod';

/** What the Messages API answers. These schemas type the code and document the API; responses are not validated at run time. */

const contentBlock = z.discriminatedUnion('type', [
  z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.literal('').describe('Thoughts are not signed.') }),
  z.object({ type: z.literal('text'), text: z.string(), citations: z.null() }),
  z.object({
    type: z.literal('tool_use'),
    id: z.string(),
    name: z.string(),
    input: z.record(z.string(), z.unknown()).describe('What the model wrote; where that is no JSON object, {"INVALID_JSON": "…"}.'),
  }),
]);
export type ContentBlock = z.infer<typeof contentBlock>;

const stopReason = z.enum(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use']).nullable();

const usage = z.object({
  input_tokens: z.int().describe('Of the prompt, without those that were cached.'),
  cache_creation_input_tokens: z.int(),
  cache_read_input_tokens: z.int().describe('Of the prompt: those that did not have to be computed.'),
  output_tokens: z.int().describe('Thought and answer together.'),
  output_tokens_details: z.object({ thinking_tokens: z.int() }),
  service_tier: z.literal('standard'),
});

export const messageObjectSchema = z.object({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  content: z.array(contentBlock),
  stop_reason: stopReason,
  stop_sequence: z.string().nullable(),
  usage,
});
export type MessageObject = z.infer<typeof messageObjectSchema>;

export const tokenCountSchema = z.object({ input_tokens: z.int() });
export type TokenCount = z.infer<typeof tokenCountSchema>;

export type MessageEvent =
  | { type: 'message_start'; message: MessageObject }
  | { type: 'ping' }
  | { type: 'content_block_start'; index: number; content_block: ContentBlock }
  | { type: 'content_block_delta'; index: number; delta: ContentDelta }
  | { type: 'content_block_stop'; index: number }
  | {
      type: 'message_delta';
      delta: Pick<MessageObject, 'stop_reason' | 'stop_sequence'>;
      usage: Omit<MessageObject['usage'], 'service_tier'>;
    }
  | { type: 'message_stop' };

export type ContentDelta =
  { type: 'thinking_delta'; thinking: string } | { type: 'text_delta'; text: string } | { type: 'input_json_delta'; partial_json: string };

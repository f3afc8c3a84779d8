import { z } from 'zod';
import { conversationFields } from './chat-request.js';

/** POST /tokenize: a text, or a conversation as the chat template writes it. As in vLLM. */
export const tokenizeRequestSchema = z
  .object({
    model: z.string().nullish(),
    prompt: z.string().nullish(),
    ...conversationFields,
    messages: conversationFields.messages.nullish(),
    return_token_strs: z.boolean().nullish(),
  })
  .superRefine((request, context) => {
    if ((request.prompt == null) === (request.messages == null)) {
      context.addIssue({ code: 'custom', path: ['prompt'], message: 'Give either "prompt" or "messages"' });
    }
  });
export type TokenizeRequest = z.infer<typeof tokenizeRequestSchema>;

export const tokenizeResponseSchema = z.object({
  count: z.int(),
  max_model_len: z.int(),
  tokens: z.array(z.int()),
  token_strs: z.array(z.string()).nullable(),
});
export type TokenizeResponse = z.infer<typeof tokenizeResponseSchema>;

/** POST /detokenize */
export const detokenizeRequestSchema = z.object({ model: z.string().nullish(), tokens: z.array(z.int().min(0)) });
export type DetokenizeRequest = z.infer<typeof detokenizeRequestSchema>;

export const detokenizeResponseSchema = z.object({ prompt: z.string() });
export type DetokenizeResponse = z.infer<typeof detokenizeResponseSchema>;

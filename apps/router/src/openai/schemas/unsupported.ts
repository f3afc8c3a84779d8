import { z } from 'zod';

/**
 * Fields of OpenAI's and vLLM's APIs that would change the answer and are not supported: only the value that changes nothing passes.
 * Fields that change nothing whatever their value (`user`, `metadata`, `store`, …) and unknown ones are ignored, as vLLM does.
 */

export function only<T extends string | number | boolean>(neutral: T | T[], what: string): z.ZodOptional<z.ZodNullable<z.ZodLiteral<T>>> {
  const values = Array.isArray(neutral) ? neutral : [neutral];
  const shown = values.map((value) => JSON.stringify(value)).join(' or ');
  return z.literal(values, { error: `${what} not supported: remove the field or set it to ${shown}` }).nullish();
}

export function absent(what: string): z.ZodOptional<z.ZodNull> {
  return z.null({ error: `${what} not supported: remove the field` }).optional();
}

export function emptyList(what: string): z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodUnknown>>> {
  return z
    .array(z.unknown())
    .max(0, { error: `${what} not supported: remove the field` })
    .nullish();
}

const noOtherField = z.null({ error: 'There is no such field here, or it is not supported: remove it' });

/** An object without other fields: they answer 400, naming the field. The type leaves out that they may be null. */
export function closedObject<T extends z.ZodRawShape>(fields: T): z.ZodObject<T> {
  return z.object(fields).catchall(noOtherField);
}

export const unsupportedFields = {
  use_beam_search: only(false, 'Beam search is'),
  truncate_prompt_tokens: absent('Truncating the prompt is'),
};

export const unsupportedChatFields = {
  echo: only(false, 'Outside of completions, echoing the prompt is'),
  best_of: only(1, 'Outside of completions, choosing the best of several answers is'),
  functions: emptyList('Function calls are'),
  function_call: only(['none', 'auto'], 'Function calls are'),
  audio: absent('Audio is'),
  modalities: z.array(z.literal('text', { error: 'Only "text" is supported' })).nullish(),
  web_search_options: absent('Web search is'),
  chat_template: absent('A chat template of the client’s own is'),
  continue_final_message: only(false, 'Continuing the last message is'),
};

export const unsupportedCompletionFields = {
  suffix: only('', 'A suffix is'),
  max_reasoning_tokens: absent('Outside of chats, a budget of thoughts is'),
};

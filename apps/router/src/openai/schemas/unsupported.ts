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
  n: only(1, 'Several choices per prompt are'),
  best_of: only(1, 'Several choices per prompt are'),
  echo: only(false, 'Echoing the prompt is'),
  frequency_penalty: only(0, 'Penalties are'),
  presence_penalty: only(0, 'Penalties are'),
  repetition_penalty: only(1, 'Penalties are'),
  logit_bias: z.strictObject({}, { error: 'Biases are not supported: remove the field' }).nullish(),
  use_beam_search: only(false, 'Beam search is'),
  min_tokens: only(0, 'A minimum of tokens is'),
  prompt_logprobs: absent('Log probabilities of the prompt are'),
  truncate_prompt_tokens: absent('Truncating the prompt is'),
  allowed_token_ids: absent('Restricting tokens is'),
  bad_words: emptyList('Forbidding words is'),
};

export const unsupportedChatFields = {
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

import { z } from 'zod';

/**
 * Fields of OpenAI's and vLLM's APIs that would change the answer and are not supported: only the value that changes nothing passes.
 * Those that change nothing whatever their value are ignored, as are unknown ones, as vLLM does. docs/completions-api.md lists all.
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

function ignored<T extends string>(...names: T[]): Record<T, z.ZodOptional<z.ZodUnknown>> {
  const field = z.unknown().optional().describe('Ignored.');
  return Object.fromEntries(names.map((name) => [name, field])) as Record<T, typeof field>;
}

export const unsupportedFields = {
  use_beam_search: only(false, 'Beam search is'),
  length_penalty: only(1, 'Beam search is'),
  truncate_prompt_tokens: absent('Truncating the prompt is'),
  watermarking: only(false, 'Watermarking is'),
  logits_processors: emptyList('A logits processor of the client’s own is'),
  logprob_token_ids: absent('Choosing the tokens of logprobs is'),
  repetition_detection: absent('Ending where the answer repeats itself is'),
  stream_interval: only(1, 'Several tokens in each chunk are'),
  routed_experts_prompt_start: only(0, 'Leaving out the experts of the prompt is'),
  return_token_offsets: only(false, 'Telling where tokens begin is'),
  kv_transfer_params: absent('Moving caches between servers is'),
  ec_transfer_params: absent('Moving caches between servers is'),
  vllm_xargs: absent('What vLLM’s extensions take is'),
  structural_tag: absent('A structural tag is'),
  ...ignored('user', 'truncation_side', 'spaces_between_special_tokens', 'add_special_tokens', 'request_id', 'session_id'),
  ...ignored('guided_decoding_backend', 'return_mm_kwargs'),
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
  documents: emptyList('Showing documents to the template is'),
  return_prompt_text: only(false, 'Returning the text of the prompt is'),
  media_io_kwargs: absent('Media are'),
  mm_processor_kwargs: absent('Media are'),
  verbosity: only('medium', 'A choice of verbosity is'),
  moderation: absent('Moderation is'),
  prompt_cache_options: absent('A choice of what is cached is'),
  ...ignored('store', 'metadata', 'service_tier', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'prediction'),
};

export const unsupportedCompletionFields = {
  suffix: only('', 'A suffix is'),
  max_reasoning_tokens: absent('Outside of chats, a budget of thoughts is'),
  thinking_token_budget: only(-1, 'Outside of chats, a budget of thoughts is'),
  prompt_embeds: absent('A prompt of embeddings is'),
};

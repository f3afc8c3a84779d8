import type OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { documentedFields, PROBE, refusedFields } from '../testing/documented-fields.js';
import { chatFields, chatRequestSchema } from './schemas/chat-request.js';
import { completionFields, completionRequestSchema } from './schemas/completion-request.js';

const PAGE = 'completions-api.md';
const CHAT = { messages: [{ role: 'user', content: 'Hi' }] };
const COMPLETION = { prompt: 'Hi' };

/** Every field that the client knows: the compiler holds these to its types. */
const OPENAI_CHAT: Record<keyof OpenAI.ChatCompletionCreateParamsNonStreaming, true> = {
  ...{ audio: true, frequency_penalty: true, function_call: true, functions: true, logit_bias: true, logprobs: true, messages: true },
  ...{ max_completion_tokens: true, max_tokens: true, metadata: true, modalities: true, model: true, moderation: true, n: true },
  ...{ parallel_tool_calls: true, prediction: true, presence_penalty: true, prompt_cache_key: true, prompt_cache_options: true },
  ...{ prompt_cache_retention: true, reasoning_effort: true, response_format: true, safety_identifier: true, seed: true, stop: true },
  ...{ service_tier: true, store: true, stream: true, stream_options: true, temperature: true, tool_choice: true, tools: true },
  ...{ top_logprobs: true, top_p: true, user: true, verbosity: true, web_search_options: true },
};
const OPENAI_COMPLETION: Record<keyof OpenAI.CompletionCreateParamsNonStreaming, true> = {
  ...{ best_of: true, echo: true, frequency_penalty: true, logit_bias: true, logprobs: true, max_tokens: true, model: true, n: true },
  ...{ presence_penalty: true, prompt: true, seed: true, stop: true, stream: true, stream_options: true, suffix: true, top_p: true },
  ...{ temperature: true, user: true },
};

/** What vLLM's protocol has besides (main, 2026), and the older names that its users still send. */
const VLLM_BOTH = [
  ...['use_beam_search', 'top_k', 'min_p', 'repetition_penalty', 'watermarking', 'length_penalty', 'stop_token_ids', 'ignore_eos'],
  ...['include_stop_str_in_output', 'min_tokens', 'skip_special_tokens', 'spaces_between_special_tokens', 'truncate_prompt_tokens'],
  ...['truncation_side', 'prompt_logprobs', 'logprob_token_ids', 'allowed_token_ids', 'bad_words', 'echo', 'add_special_tokens'],
  ...['response_format', 'structured_outputs', 'priority', 'request_id', 'session_id', 'return_tokens_as_token_ids', 'cache_salt'],
  ...['return_token_ids', 'routed_experts_prompt_start', 'return_token_offsets', 'return_mm_kwargs', 'kv_transfer_params', 'best_of'],
  ...['ec_transfer_params', 'vllm_xargs', 'repetition_detection', 'stream_interval', 'thinking_token_budget', 'logits_processors'],
  ...['guided_json', 'guided_regex', 'guided_choice', 'guided_grammar', 'guided_decoding_backend', 'guided_whitespace_pattern'],
  ...['structural_tag'],
];
const VLLM_CHAT = [
  ...['include_reasoning', 'add_generation_prompt', 'continue_final_message', 'documents', 'chat_template', 'chat_template_kwargs'],
  ...['media_io_kwargs', 'mm_processor_kwargs', 'return_prompt_text'],
];
const VLLM_COMPLETION = ['prompt_embeds'];

const JSON_SCHEMA = { type: 'object', properties: { a: { type: 'string' } } };
const TOOL = { type: 'function', function: { name: 'f', parameters: JSON_SCHEMA } };
/** A value of each field that is supported, and what else it needs. */
const SAMPLES: Record<string, object> = {
  ...Object.fromEntries(
    Object.entries({
      ...{ model: 'm', stream: true, max_completion_tokens: 5, max_tokens: 5, temperature: 0.5, top_p: 0.5, top_k: 5, min_p: 0.1, n: 2 },
      ...{ repetition_penalty: 1.1, presence_penalty: 1, frequency_penalty: -1, logit_bias: { 5: -100 }, allowed_token_ids: [1] },
      ...{ bad_words: ['x'], seed: 1, best_of: 2, stop: ['x'], stop_token_ids: [1], include_stop_str_in_output: true, min_tokens: 2 },
      ...{ ignore_eos: true, skip_special_tokens: false, prompt_logprobs: 2, echo: true, return_token_ids: true, cache_salt: 'x' },
      ...{ return_tokens_as_token_ids: true, return_routed_experts: true, tools: [TOOL], parallel_tool_calls: false, guided_regex: 'a+' },
      ...{ response_format: { type: 'json_object' }, guided_json: JSON_SCHEMA, guided_choice: ['a'], structured_outputs: { regex: 'a' } },
      ...{ reasoning_effort: 'low', include_reasoning: false, max_reasoning_tokens: 9, thinking_token_budget: 9, priority: -1 },
      ...{ add_generation_prompt: false, chat_template_kwargs: { a: 1 }, timeout: 5 },
      ...CHAT,
      ...COMPLETION,
    }).map(([field, value]) => [field, { [field]: value }]),
  ),
  stream_options: { stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } },
  top_logprobs: { logprobs: true, top_logprobs: 5 },
  tool_choice: { tools: [TOOL], tool_choice: 'required' },
};

describe.each([
  ['chat', chatFields, chatRequestSchema, [...Object.keys(OPENAI_CHAT), ...VLLM_BOTH, ...VLLM_CHAT], CHAT, { logprobs: true }],
  [
    'completions',
    completionFields,
    completionRequestSchema,
    [...Object.keys(OPENAI_COMPLETION), ...VLLM_BOTH, ...VLLM_COMPLETION],
    COMPLETION,
    { logprobs: 5 },
  ],
] as const)(`docs/${PAGE}, %s`, (endpoint, fields, schema, known, body, logprobs) => {
  const documented = documentedFields(PAGE, endpoint);
  const answered = (what: string): string[] => [...documented].filter(([, answer]) => answer.startsWith(what)).map(([field]) => field);

  it("lists the fields of the schema, and all of OpenAI's and vLLM's", () => {
    expect([...documented.keys()].sort()).toEqual(Object.keys(fields).sort());
    expect(known.filter((field) => !documented.has(field))).toEqual([]);
    expect(answered('supported').length + answered('400').length + answered('ignored').length).toBe(documented.size);
  });

  it('is right about what is supported', () => {
    const samples: Record<string, object> = { ...SAMPLES, logprobs };
    for (const field of answered('supported')) {
      expect(samples, field).toHaveProperty(field);
      const parsed = schema.parse({ ...body, ...samples[field] });
      expect(parsed, field).toMatchObject(samples[field]!);
    }
  });

  it('is right about what answers 400', () => {
    for (const field of answered('400')) {
      expect(refusedFields(schema, { ...body, [field]: PROBE })).toEqual([field]);
      expect(refusedFields(schema, { ...body, [field]: null })).toEqual([]);
    }
  });

  it('is right about what is ignored', () => {
    for (const field of [...answered('ignored'), 'no_such_field']) expect(refusedFields(schema, { ...body, [field]: PROBE })).toEqual([]);
  });

  it('is right about the values that change nothing', () => {
    for (const [field, answer] of documented) {
      const neutral = /^400, unless (.+?)(?: alone)?(?::.*)?$/.exec(answer)?.[1];
      for (const name of neutral?.split(' or ') ?? [])
        expect(refusedFields(schema, { ...body, [field]: valueOf(name, field) })).toEqual([]);
    }
  });
});

function valueOf(name: string, field: string): unknown {
  if (name === 'empty') return field === 'suffix' ? '' : [];
  if (field === 'modalities') return ['text'];
  return name.startsWith('`') ? name.slice(1, -1) : (JSON.parse(name.replace('−', '-')) as unknown);
}

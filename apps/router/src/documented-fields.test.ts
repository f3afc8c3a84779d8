import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Anthropic from '@anthropic-ai/sdk';
import { REPOSITORY } from '@ringmesh/testing';
import type OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { countTokensSchema, messageFields, messageRequestSchema } from './anthropic/messages/message-request.js';
import { responseFields, responseRequestSchema } from './openai/responses/response-request.js';
import { documentedFields, PROBE, refusedFields } from './testing/documented-fields.js';

/** A value of each field that is ignored. */
const IGNORED: Record<string, unknown> = {
  safety_identifier: 'x',
  prompt_cache_key: 'x',
  prompt_cache_retention: '24h',
  service_tier: 'auto',
  max_tool_calls: 3,
  metadata: { user_id: 'x' },
  cache_control: { type: 'ephemeral' },
};

/** Every field that the clients know: the compiler holds these to the clients' types. */
const OPENAI_FIELDS: Record<keyof OpenAI.Responses.ResponseCreateParamsNonStreaming, true> = {
  ...{ access_programs: true, background: true, context_management: true, conversation: true, image: true, include: true, input: true },
  ...{ instructions: true, max_output_tokens: true, max_tool_calls: true, metadata: true, model: true, moderation: true },
  ...{ parallel_tool_calls: true, previous_response_id: true, prompt: true, prompt_cache_key: true, prompt_cache_options: true },
  ...{ prompt_cache_retention: true, reasoning: true, safety_identifier: true, service_tier: true, store: true, stream: true },
  ...{ stream_options: true, temperature: true, text: true, tool_choice: true, tools: true, top_logprobs: true, top_p: true },
  ...{ truncation: true, user: true },
};
const ANTHROPIC_FIELDS: Record<keyof Anthropic.MessageCreateParamsNonStreaming, true> = {
  ...{ max_tokens: true, messages: true, model: true, cache_control: true, container: true, diagnostics: true, inference_geo: true },
  ...{ metadata: true, output_config: true, service_tier: true, speed: true, stop_sequences: true, stream: true, system: true },
  ...{ temperature: true, thinking: true, tool_choice: true, tools: true, top_k: true, top_p: true, user_profile_id: true },
  ...{ workspace_id: true },
};

describe.each([
  ['responses-api.md', responseFields, responseRequestSchema, OPENAI_FIELDS, { input: 'Hi' }],
  [
    'messages-api.md',
    messageFields,
    messageRequestSchema,
    ANTHROPIC_FIELDS,
    { max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] },
  ],
] as const)('docs/%s', (page, fields, schema, clientFields, body) => {
  const documented = documentedFields(page);

  it('lists the fields of the schema, and all that the client knows', () => {
    expect([...documented.keys()].sort()).toEqual(Object.keys(fields).sort());
    expect(Object.keys(clientFields).filter((field) => !documented.has(field))).toEqual([]);
  });

  it('is right about what answers 400', () => {
    expect(refusedFields(schema, body)).toEqual([]);
    const unsupported = [...documented].filter(([, answer]) => answer.startsWith('400')).map(([field]) => field);
    expect(unsupported.length).toBeGreaterThan(5);
    for (const field of [...unsupported, 'no_such_field']) {
      expect(refusedFields(schema, { ...body, [field]: PROBE })).toEqual([field]);
      expect(refusedFields(schema, { ...body, [field]: null })).toEqual([]);
    }
  });

  it('is right about what is ignored', () => {
    const ignored = [...documented].filter(([, answer]) => answer.startsWith('ignored')).map(([field]) => field);
    for (const field of ignored) {
      expect(Object.keys(IGNORED)).toContain(field);
      expect(refusedFields(schema, { ...body, [field]: IGNORED[field] })).toEqual([]);
    }
  });
});

it('docs/messages-api.md names the fields of count_tokens', () => {
  const text = readFileSync(join(REPOSITORY, 'docs', 'messages-api.md'), 'utf8');
  const line = text.split('\n').find((candidate) => candidate.startsWith('`count_tokens` takes'))!;
  const named = Array.from(line.slice('`count_tokens`'.length).matchAll(/`(\w+)`/g), (match) => match[1]!);
  expect(named.sort()).toEqual(Object.keys(countTokensSchema.shape).sort());
});

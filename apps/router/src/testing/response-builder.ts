import { ResponseBuilder } from '../openai/responses/response-builder.js';
import type { ResponseSettings } from '../openai/responses/response-object.js';
import { testFormat } from './replies.js';

const SETTINGS: ResponseSettings = {
  id: 'resp_1',
  created_at: 1,
  model: 'm',
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  service_tier: 'default',
  store: true,
  temperature: 1,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
  user: null,
};

/** Builds the response `resp_1`; ids of items are numbered. */
export function testBuilder(): ResponseBuilder {
  let numIds = 0;
  return new ResponseBuilder({
    settings: SETTINGS,
    format: testFormat(),
    promptTokens: 3,
    newId: (prefix) => `${prefix}_${numIds++}`,
    now: () => 2,
  });
}

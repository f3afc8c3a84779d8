import { InvalidRequestError } from '@ringmesh/core';
import type { TextRequest } from '../../generation/text-request.js';
import type { ServedModel } from '../../served-model.js';
import { prepareChat } from '../chat/prepare-chat.js';
import { randomId } from '../random-id.js';
import { chatMessages, checkCalls, previousItems, storedItems } from './conversation.js';
import { ResponseBuilder } from './response-builder.js';
import type { ResponseSettings } from './response-object.js';
import type { ResponseRequest } from './response-request.js';
import { toolFields } from './tool-fields.js';
import type { OwnResponses } from './own-responses.js';
import type { StoredItem } from './response-store.js';

export interface PreparedResponse {
  id: string;
  builder: ResponseBuilder;
  requests: TextRequest[];
  input: StoredItem[];
  /** Keep it when it has ended. */
  isStored: boolean;
}

/**
 * Makes a request for a response one to the engine.
 * @throws InvalidRequestError, ContextLengthExceededError, PreviousResponseNotFoundError
 */
export async function prepareResponse(model: ServedModel, kept: OwnResponses, body: ResponseRequest): Promise<PreparedResponse> {
  const isStored = body.store ?? kept.isEnabled;
  const wantsStore = body.store === true ? 'store' : body.background ? 'background' : undefined;
  if (wantsStore !== undefined && !kept.isEnabled) {
    throw new InvalidRequestError(`${wantsStore}: this server keeps no responses (--responses-store-size 0)`, { field: wantsStore });
  }
  const id = randomId('resp');
  const previous = body.previous_response_id == null ? [] : previousItems((id) => kept.findTurn(id), body.previous_response_id);
  const input = storedItems(body.input, randomId);
  checkCalls(previous, input);
  const fields = chatFields(body, chatMessages(body.instructions, [...previous, ...input]));
  const { promptIds, format, requests } = await prepareChat(model, fields, {
    id,
    promptField: 'input',
    maxTokensField: 'max_output_tokens',
    maxTokens: body.max_output_tokens ?? undefined,
    logprobs: -1,
    newToolCallId: () => randomId('call'),
    responseFormatField: 'text.format',
  });
  const now = (): number => Math.floor(Date.now() / 1000);
  const settings = responseSettings(body, { id, createdAt: now(), model: model.name, isStored, sampling: requests[0]!.sampling });
  const builder = new ResponseBuilder({ settings, format, promptTokens: promptIds.length, newId: randomId, now });
  return { id, builder, requests, input, isStored };
}

function chatFields(body: ResponseRequest, messages: ReturnType<typeof chatMessages>): Parameters<typeof prepareChat>[1] {
  const { temperature, top_p, seed, stop, top_k, min_p, stop_token_ids, ignore_eos, cache_salt, priority, timeout } = body;
  return {
    ...{ temperature, top_p, seed, stop, top_k, min_p, stop_token_ids, ignore_eos, cache_salt, priority, timeout },
    ...toolFields(body),
    response_format: responseFormat(body.text?.format),
    messages,
    reasoning_effort: body.reasoning?.effort,
    parallel_tool_calls: body.parallel_tool_calls,
    max_reasoning_tokens: body.max_reasoning_tokens,
  };
}

function responseFormat(format: NonNullable<ResponseRequest['text']>['format']): ReturnType<typeof chatFields>['response_format'] {
  return format?.type === 'json_schema' ? { type: format.type, json_schema: format } : format;
}

/** What of the request the response repeats, with the defaults that were used. */
function responseSettings(
  body: ResponseRequest,
  {
    id,
    createdAt,
    model,
    isStored,
    sampling,
  }: { id: string; createdAt: number; model: string; isStored: boolean; sampling: TextRequest['sampling'] },
): ResponseSettings {
  return {
    id,
    created_at: createdAt,
    model,
    background: body.background ?? false,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: null,
    metadata: body.metadata ?? {},
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    service_tier: 'default',
    store: isStored,
    temperature: sampling.temperature,
    text: { format: body.text?.format ?? { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: (body.tools ?? []).map(({ type, name, description, parameters }) => {
      return { type, name, description: description ?? null, parameters: parameters ?? null, strict: false };
    }),
    top_logprobs: 0,
    top_p: sampling.topP,
    truncation: 'disabled',
    user: body.user ?? null,
  };
}

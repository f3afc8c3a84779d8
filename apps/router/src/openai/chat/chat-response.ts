import type { TextEvent, TextToken } from '../../generation/generate-text.js';
import type { Indexed } from '../../generation/merge.js';
import { chatLogprobs, type TokenWriter } from '../logprobs.js';
import type { ChatChunk, ChatCompletion } from '../schemas/responses.js';
import type { TextChoice } from '../text-choice.js';
import { usage } from '../usage.js';

/** What the response of one chat request says besides the generated text. */
export interface ChatResponseOptions {
  id: string;
  created: number;
  model: string;
  promptIds: number[];
  logprobs: boolean;
  returnTokenIds: boolean;
  includeUsage: boolean;
  writer: TokenWriter;
}

/** The response of a chat request that does not stream. */
export function chatCompletion({ text, tokens, finished }: TextChoice, options: ChatResponseOptions): ChatCompletion {
  const { id, created, model, promptIds } = options;
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text },
        logprobs: options.logprobs ? chatLogprobs(tokens, options.writer) : null,
        finish_reason: finished.reason,
        stop_reason: finished.stopReason,
        ...(options.returnTokenIds ? { prompt_token_ids: promptIds, token_ids: tokens.map((token) => token.tokenId) } : {}),
      },
    ],
    usage: usage(promptIds.length, tokens.length),
    ...(options.returnTokenIds ? { prompt_token_ids: promptIds } : {}),
  };
}

/**
 * The chunks of a chat request that streams: the role, with the first token; a chunk for each token that brings text or was asked for in
 * itself (log probabilities, token ids); the finish reason; the usage where it was asked for.
 */
export async function* chatChunks(
  events: AsyncGenerator<Indexed<TextEvent>, void>,
  options: ChatResponseOptions,
): AsyncGenerator<ChatChunk, void> {
  const { id, created, model, promptIds } = options;
  const chunk = (...choices: ChatChunk['choices']): ChatChunk => ({
    id,
    object: 'chat.completion.chunk',
    created,
    model,
    choices,
    ...(options.includeUsage ? { usage: null } : {}),
  });
  const promptTokenIds = options.returnTokenIds ? { prompt_token_ids: promptIds } : {};
  const role = { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null, ...promptTokenIds } as const;

  let completionTokens = 0;
  for await (const { value } of events) {
    if (value.type === 'started') continue;
    if (value.type === 'finished') {
      if (completionTokens === 0) yield { ...chunk(role), ...promptTokenIds };
      const delta = value.text === '' ? {} : { content: value.text };
      yield chunk({
        index: 0,
        delta,
        logprobs: null,
        finish_reason: value.reason,
        stop_reason: value.stopReason,
        ...(options.returnTokenIds ? { token_ids: [] } : {}),
      });
    } else {
      if (completionTokens++ === 0) yield { ...chunk(role), ...promptTokenIds };
      if (value.text !== '' || options.logprobs || options.returnTokenIds) yield chunk(tokenChoice(value, options));
    }
  }
  if (options.includeUsage) yield { ...chunk(), usage: usage(promptIds.length, completionTokens) };
}

function tokenChoice(token: TextToken, { logprobs, returnTokenIds, writer }: ChatResponseOptions): ChatChunk['choices'][number] {
  return {
    index: 0,
    delta: { content: token.text },
    logprobs: logprobs ? chatLogprobs([token], writer) : null,
    finish_reason: null,
    ...(returnTokenIds ? { token_ids: [token.tokenId] } : {}),
  };
}

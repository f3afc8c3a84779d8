import type { TextEvent, TextToken } from '../../generation/generate-text.js';
import type { Indexed } from '../../generation/merge.js';
import type { MessageFormat } from '../../output/part-parser.js';
import { chatLogprobs, promptLogprobs, type TokenWriter } from '../logprobs.js';
import type { ChatChunk, ChatCompletion, Usage } from '../schemas/responses.js';
import type { TextChoice } from '../text-choice.js';
import { type StreamUsage, usage } from '../usage.js';
import { ChatChoice } from './chat-choice.js';

/** What the response of one chat request says besides the generated text. */
export interface ChatResponseOptions extends StreamUsage {
  id: string;
  created: number;
  model: string;
  promptIds: number[];
  format: MessageFormat;
  /** Thoughts are told: their text, and their tokens where tokens are asked for. */
  includeReasoning: boolean;
  logprobs: boolean;
  returnTokenIds: boolean;
  writer: TokenWriter;
}

/** The response of a chat request that does not stream. */
export function chatCompletion(texts: TextChoice[], options: ChatResponseOptions): ChatCompletion {
  const { id, created, model, promptIds } = options;
  const choices = texts.map(({ tokens }) => {
    const choice = new ChatChoice(options);
    for (const token of tokens) choice.count(token);
    return choice;
  });
  const { cachedTokens, promptLogprobs: scores } = texts[0]!;
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: texts.map(({ index, text, tokens, finished }, position) => {
      const choice = choices[position]!;
      const told = tokens.filter((token) => choice.tells(token));
      const { message, finishReason } = choice.whole(text, finished);
      return {
        index,
        message,
        logprobs: options.logprobs ? chatLogprobs(told, options.writer) : null,
        finish_reason: finishReason,
        stop_reason: finished.stopReason,
        ...(options.returnTokenIds ? { prompt_token_ids: promptIds, token_ids: told.map((token) => token.tokenId) } : {}),
      };
    }),
    usage: chatUsage(promptIds, cachedTokens, choices),
    ...(options.returnTokenIds ? { prompt_token_ids: promptIds } : {}),
    ...(scores === undefined ? {} : { prompt_logprobs: promptLogprobs(scores, options.writer) }),
  };
}

/**
 * The chunks of a chat request that streams: the role, with the first token; a chunk for each token that adds to the message or was asked for
 * in itself (log probabilities, token ids); the finish reason; the usage where it was asked for.
 */
export async function* chatChunks(
  events: AsyncGenerator<Indexed<TextEvent>, void>,
  options: ChatResponseOptions,
): AsyncGenerator<ChatChunk, void> {
  const { id, created, model, promptIds } = options;
  const choices = new Map<number, ChatChoice>();
  let cachedTokens = 0;
  const usageSoFar = (): Usage => chatUsage(promptIds, cachedTokens, [...choices.values()]);
  const chunk = (...own: ChatChunk['choices']): ChatChunk => ({
    id,
    object: 'chat.completion.chunk',
    created,
    model,
    choices: own,
    ...(options.includeUsage ? { usage: options.continuousUsage ? usageSoFar() : null } : {}),
  });
  const promptTokenIds = options.returnTokenIds ? { prompt_token_ids: promptIds } : {};
  const role = { delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null, ...promptTokenIds } as const;

  for await (const { index, value } of events) {
    if (value.type === 'started' && index === 0) ({ cachedTokens } = value);
    if (value.type === 'started' || value.type === 'prompt') continue;
    let choice = choices.get(index);
    if (choice === undefined) {
      choices.set(index, (choice = new ChatChoice(options)));
      yield { ...chunk({ index, ...role }), ...promptTokenIds };
    }
    if (value.type === 'finished') {
      const { finishReason, delta } = choice.end(value);
      const tokenIds = options.returnTokenIds ? { token_ids: [] } : {};
      yield chunk({ index, delta, logprobs: null, finish_reason: finishReason, stop_reason: value.stopReason, ...tokenIds });
    } else {
      choice.count(value);
      const delta = choice.push(value.text);
      const details = choice.tells(value) ? tokenDetails(value, options) : undefined;
      if (Object.keys(delta).length > 0 || details !== undefined) {
        yield chunk({ index, delta, logprobs: null, finish_reason: null, ...details });
      }
    }
  }
  if (options.includeUsage) yield { ...chunk(), usage: usageSoFar() };
}

/** What was asked for of a token beside its text, if anything was. */
function tokenDetails(
  token: TextToken,
  { logprobs, returnTokenIds, writer }: ChatResponseOptions,
): Pick<ChatChunk['choices'][number], 'logprobs' | 'token_ids'> | undefined {
  if (!logprobs && !returnTokenIds) return undefined;
  return { logprobs: logprobs ? chatLogprobs([token], writer) : null, ...(returnTokenIds ? { token_ids: [token.tokenId] } : {}) };
}

/** @param cachedTokens of the first choice: the others find what that one has computed */
function chatUsage(promptIds: number[], cachedTokens: number, choices: ChatChoice[]): Usage {
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  return usage({
    promptTokens: promptIds.length,
    cachedTokens,
    completionTokens: sum(choices.map(({ numTokens }) => numTokens)),
    reasoningTokens: sum(choices.map(({ numReasoningTokens }) => numReasoningTokens)),
  });
}

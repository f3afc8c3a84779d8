import type { TextRequest } from '../../generation/text-request.js';
import type { MessageFormat } from '../../output/part-parser.js';
import type { ServedModel } from '../../served-model.js';
import { prepareRequests, type RequestKind } from '../prepare-requests.js';
import type { Conversation } from '../schemas/chat-request.js';
import type { GenerationFields } from '../schemas/fields.js';
import { type ChatGrammarFields, chatGrammar } from './chat-grammar.js';
import { chatPrompt } from './chat-prompt.js';

/** What a chat request says of its prompt, and of what may be in the reply, whichever API it came by. */
export interface ChatFields extends Conversation, GenerationFields, ChatGrammarFields {
  max_reasoning_tokens?: number | null | undefined;
  /** vLLM's name of it. */
  thinking_token_budget?: number | null | undefined;
}

export interface ChatKind extends Pick<RequestKind, 'id' | 'promptField' | 'maxTokensField' | 'maxTokens' | 'logprobs'> {
  newToolCallId: () => string;
  /** What this API calls `response_format`, for errors. */
  responseFormatField?: string;
}

export interface PreparedChat {
  promptIds: number[];
  /** What is looked for in the reply. */
  format: MessageFormat;
  requests: TextRequest[];
}

/**
 * Makes a conversation a request to the engine.
 * @throws InvalidRequestError, ContextLengthExceededError; GrammarInvalidError, GrammarTooComplexError, QueueFullError
 */
export async function prepareChat(model: ServedModel, fields: ChatFields, kind: ChatKind): Promise<PreparedChat> {
  const { output } = model;
  const hasTools = fields.tool_choice !== 'none' && fields.tools != null && fields.tools.length > 0;
  const conversation = { ...fields, tools: hasTools ? fields.tools : null };
  const { tokenIds: promptIds, opensThought } = chatPrompt(model, conversation, kind.promptField);
  const toolCalls = { parallel: fields.parallel_tool_calls ?? true, newId: kind.newToolCallId };
  const format = {
    reasoning: output.parsesReasoning ? { startsInside: opensThought } : undefined,
    toolCalls: hasTools && output.parsesToolCalls ? toolCalls : undefined,
  };
  const maxThought = fields.max_reasoning_tokens ?? fields.thinking_token_budget ?? -1;
  const requests = await prepareRequests(model, fields, [promptIds], {
    ...kind,
    reasoning: format.reasoning,
    thoughtLimit: maxThought < 0 ? undefined : output.thoughtLimit(maxThought, opensThought),
    shownTokenIds: output.shownTokenIds,
    grammar: chatGrammar(output, fields, opensThought, kind.responseFormatField),
  });
  return { promptIds, format, requests };
}

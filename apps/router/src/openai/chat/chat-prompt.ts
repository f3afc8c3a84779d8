import { InvalidRequestError } from '@ringmesh/core';
import type { ServedModel } from '../../served-model.js';
import type { Conversation } from '../schemas/chat-request.js';
import { templateMessage } from './chat-messages.js';

export interface ChatPrompt {
  tokenIds: number[];
  /** It ends inside of a thought: the template has opened it. */
  opensThought: boolean;
}

/**
 * The prompt of a conversation, as the model's chat template writes it.
 * @param field the request's field that holds the conversation, for errors
 * @throws InvalidRequestError when the template refuses the conversation or cannot show its tools, ContextLengthExceededError when it is
 * hopelessly long
 */
export function chatPrompt(model: ServedModel, conversation: Conversation, field = 'messages'): ChatPrompt {
  const { messages, tools, add_generation_prompt, chat_template_kwargs, reasoning_effort } = conversation;
  const { chatTemplate } = model;
  const hasTools = tools != null && tools.length > 0;
  if (hasTools && !chatTemplate.mentions('tools')) {
    throw new InvalidRequestError(
      `tools: the chat template of ${model.name} does not show tools to the model; remove the field, or set "tool_choice" to "none"`,
      { field: 'tools' },
    );
  }
  const text = chatTemplate.render(
    messages.map((message) => templateMessage(message, chatTemplate)),
    {
      field,
      addGenerationPrompt: add_generation_prompt ?? true,
      variables: {
        ...(hasTools ? { tools } : {}),
        ...(reasoning_effort == null ? {} : { reasoning_effort }),
        ...chat_template_kwargs,
      },
    },
  );
  return { tokenIds: model.encode(text, field), opensThought: /<think>\s*$/.test(text) };
}

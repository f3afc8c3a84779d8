import type { ChatFields } from '../../openai/chat/prepare-chat.js';
import type { Conversation } from '../../openai/schemas/chat-request.js';
import type { AnthropicMessage, TextContent } from './content-blocks.js';
import type { CountTokensRequest } from './message-request.js';
import { toolFields } from './tool-fields.js';

type ChatMessage = Conversation['messages'][number];

/** What makes the prompt and holds the answer, in the terms of chats. */
export function chatFields(request: CountTokensRequest): ChatFields {
  const { system, messages, output_config } = request;
  const format = output_config?.format;
  return {
    messages: [...(system == null ? [] : [{ role: 'system' as const, content: textOf(system) }]), ...messages.flatMap(chatMessages)],
    ...toolFields(request),
    reasoning_effort: output_config?.effort,
    response_format: format && { type: format.type, json_schema: { schema: format.schema } },
  };
}

function chatMessages(message: AnthropicMessage): ChatMessage[] {
  if (typeof message.content === 'string') return [{ role: message.role, content: message.content }];
  return message.role === 'user' ? userMessages(message.content) : [assistantMessage(message.content)];
}

/** Results of tools are messages of their own; the text between them is the user's. */
function userMessages(blocks: Exclude<Extract<AnthropicMessage, { role: 'user' }>['content'], string>): ChatMessage[] {
  const messages: ChatMessage[] = [];
  for (const block of blocks) {
    const last = messages.at(-1);
    if (block.type === 'tool_result')
      messages.push({ role: 'tool', content: textOf(block.content ?? ''), tool_call_id: block.tool_use_id });
    else if (last?.role === 'user') last.content = `${last.content as string}\n${block.text}`;
    else messages.push({ role: 'user', content: block.text });
  }
  return messages;
}

function assistantMessage(blocks: Exclude<Extract<AnthropicMessage, { role: 'assistant' }>['content'], string>): ChatMessage {
  const texts = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : []));
  const thoughts = blocks.flatMap((block) => (block.type === 'thinking' ? [block.thinking] : []));
  const calls = blocks.flatMap((block) => (block.type === 'tool_use' ? [block] : []));
  return {
    role: 'assistant',
    content: texts.join('\n'),
    ...(thoughts.length > 0 ? { reasoning_content: thoughts.join('\n') } : {}),
    ...(calls.length > 0 ? { tool_calls: calls.map(({ id, name, input }) => toolCall(id, name, input)) } : {}),
  };
}

function toolCall(id: string, name: string, input: Record<string, unknown>): NonNullable<ChatMessage['tool_calls']>[number] {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input) } };
}

/** Blocks of text are a text, a line each, as in chats. */
function textOf(content: TextContent): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('\n');
}

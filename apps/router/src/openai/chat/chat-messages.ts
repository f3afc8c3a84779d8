import { type ChatMessage, type ChatTemplate, THINK_CLOSE, THINK_OPEN, THOUGHT_END } from '@ringmesh/tokenizer';
import { TOOL_CALL_CLOSE, TOOL_CALL_OPEN } from '../../output/tool-call-parser.js';
import type { Conversation } from '../schemas/chat-request.js';

type Message = Conversation['messages'][number];
type ToolCall = NonNullable<Message['tool_calls']>[number];

/**
 * A message as chat templates expect it: `developer` is `system`, content is one text, arguments of tool calls are objects. What an assistant
 * has thought and called goes into fields of the message where the template knows them; else calls are written into the content, in the
 * form in which the model writes them, and so is the thought where the template looks for it there.
 */
export function templateMessage(message: Message, template: ChatTemplate): ChatMessage {
  const { role, content, name, tool_call_id: toolCallId } = message;
  const plain = { role: role === 'developer' ? 'system' : role, content: contentText(content), ...(name == null ? {} : { name }) };
  if (role === 'tool') return { ...plain, tool_call_id: toolCallId };
  return role === 'assistant' ? assistantMessage(plain, message, template) : plain;
}

function assistantMessage(plain: { role: string; content: string }, message: Message, template: ChatTemplate): ChatMessage {
  const reasoning = message.reasoning_content ?? message.reasoning ?? '';
  const calls = message.tool_calls ?? [];
  const fields: Record<string, unknown> = {};
  let { content } = plain;
  if (calls.length > 0 && template.mentions('tool_calls')) {
    fields.tool_calls = calls.map((call) => ({ ...call, function: { ...call.function, arguments: argumentsOf(call.function.arguments) } }));
  } else {
    const texts = calls.map((call) => toolCallText(call.function));
    content = [...(content === '' ? [] : [content]), ...texts].join('\n');
  }
  if (reasoning !== '' && template.mentions('reasoning_content')) fields.reasoning_content = reasoning;
  else if (reasoning !== '' && template.mentions(THINK_CLOSE)) content = `${THINK_OPEN}\n${reasoning}${THOUGHT_END}${content}`;
  return { ...plain, content, ...fields };
}

/** As the model writes it, its own arguments unchanged. */
function toolCallText({ name, arguments: json }: ToolCall['function']): string {
  const given = json.trim() === '' ? '{}' : json;
  return `${TOOL_CALL_OPEN}\n{"name": ${JSON.stringify(name)}, "arguments": ${given}}\n${TOOL_CALL_CLOSE}`;
}

/** As in vLLM: templates write arguments as JSON themselves. What a model wrote that is no JSON stays text. */
function argumentsOf(json: string): unknown {
  if (json.trim() === '') return {};
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return json;
  }
}

/** Text parts become one text, a line each, as in vLLM. */
function contentText(content: Message['content']): string {
  if (content == null) return '';
  return typeof content === 'string' ? content : content.map((part) => part.text).join('\n');
}

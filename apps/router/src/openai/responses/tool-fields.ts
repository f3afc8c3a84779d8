import type { ToolFields } from '../schemas/tools.js';
import type { ResponseRequest } from './response-request.js';

/** What may be called, in the terms of chats, where a function is within an object of its own. */
export function toolFields({ tools, tool_choice }: Pick<ResponseRequest, 'tools' | 'tool_choice'>): ToolFields {
  const isNamed = typeof tool_choice === 'object' && tool_choice !== null;
  return {
    tools: tools?.map(({ type, name, description, parameters }) => ({ type, function: { name, description, parameters } })),
    tool_choice: isNamed ? { type: 'function', function: { name: tool_choice.name } } : tool_choice,
  };
}

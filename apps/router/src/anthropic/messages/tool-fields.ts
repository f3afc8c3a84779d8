import type { ToolFields } from '../../openai/schemas/tools.js';
import type { CountTokensRequest } from './message-request.js';

type Request = Pick<CountTokensRequest, 'tools' | 'tool_choice'>;

/** What may be called, in the terms of chats. */
export function toolFields({ tools, tool_choice }: Request): ToolFields & { parallel_tool_calls: boolean } {
  const isSingle = tool_choice != null && tool_choice.type !== 'none' && tool_choice.disable_parallel_tool_use === true;
  return {
    tools: tools?.map(({ name, description, input_schema }) => ({
      type: 'function',
      function: { name, description, parameters: input_schema },
    })),
    tool_choice: toolChoice(tool_choice),
    parallel_tool_calls: !isSingle,
  };
}

function toolChoice(choice: Request['tool_choice']): ToolFields['tool_choice'] {
  if (choice?.type === 'any') return 'required';
  return choice?.type === 'tool' ? { type: 'function', function: { name: choice.name } } : choice?.type;
}

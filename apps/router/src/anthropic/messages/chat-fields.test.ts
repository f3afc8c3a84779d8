import { describe, expect, it } from 'vitest';
import { chatFields } from './chat-fields.js';

describe('chatFields', () => {
  it('makes blocks the messages of a chat', () => {
    const { messages, tools, ...others } = chatFields({
      system: [
        { type: 'text', text: 'Be' },
        { type: 'text', text: 'brief' },
      ],
      messages: [
        { role: 'user', content: 'Add' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm.', signature: 's' },
            { type: 'text', text: 'So:' },
            { type: 'tool_use', id: 't1', name: 'add', input: { a: 1 } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: '132' }] },
            { type: 'tool_result', tool_use_id: 't1' },
            { type: 'text', text: 'And' },
            { type: 'text', text: 'now?' },
          ],
        },
      ],
      tools: [{ name: 'add', description: 'Adds.', input_schema: { type: 'object' } }],
      tool_choice: { type: 'tool', name: 'add', disable_parallel_tool_use: true },
      output_config: { effort: 'low', format: { type: 'json_schema', schema: { type: 'object' } } },
    });
    expect(messages).toEqual([
      { role: 'system', content: 'Be\nbrief' },
      { role: 'user', content: 'Add' },
      {
        role: 'assistant',
        content: 'So:',
        reasoning_content: 'Hm.',
        tool_calls: [{ id: 't1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }],
      },
      { role: 'tool', content: '132', tool_call_id: 't1' },
      { role: 'tool', content: '', tool_call_id: 't1' },
      { role: 'user', content: 'And\nnow?' },
    ]);
    expect(tools).toEqual([{ type: 'function', function: { name: 'add', description: 'Adds.', parameters: { type: 'object' } } }]);
    expect(others).toEqual({
      tool_choice: { type: 'function', function: { name: 'add' } },
      parallel_tool_calls: false,
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { schema: { type: 'object' } } },
    });
  });
});

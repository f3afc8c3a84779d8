import { beforeEach, describe, expect, it } from 'vitest';
import { chatMessages, checkCalls, MAX_PREVIOUS_BYTES, previousItems, storedItems } from './conversation.js';
import type { InputItem } from './input-items.js';
import type { ResponseObject } from './response-object.js';
import { ResponseStore, type StoredTurn } from './response-store.js';

const CALL: InputItem = { type: 'function_call', call_id: 'c1', name: 'add', arguments: '{"a": 1}' };
const OUTPUT: InputItem = { type: 'function_call_output', call_id: 'c1', output: '132' };
const thought = (text: string): InputItem => ({ type: 'reasoning', content: [{ type: 'reasoning_text', text }] });
const said = (role: 'user' | 'assistant' | 'system', content: string): InputItem => ({ role, content });
const toolCall = { id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a": 1}' } };

describe('chatMessages', () => {
  it('makes thought, answer and calls one message, and the instructions the first one', () => {
    const items = [said('user', 'Add'), thought('Hm.'), said('assistant', 'So:'), CALL, OUTPUT, thought('Well.'), said('assistant', '132')];
    expect(chatMessages('Be brief', items)).toEqual([
      { role: 'system', content: 'Be brief' },
      { role: 'user', content: 'Add' },
      { role: 'assistant', reasoning_content: 'Hm.', content: 'So:', tool_calls: [toolCall] },
      { role: 'tool', content: '132', tool_call_id: 'c1' },
      { role: 'assistant', reasoning_content: 'Well.', content: '132' },
    ]);
  });

  it.each<[what: string, items: InputItem[], numMessages: number]>([
    ['several calls are one message', [CALL, { ...CALL, call_id: 'c2' }], 1],
    ['two answers are two', [said('assistant', 'a'), said('assistant', 'b')], 2],
    ['a thought begins a new one', [said('assistant', 'a'), thought('b')], 2],
    ['a system message ends one', [CALL, said('system', 'x'), CALL], 3],
  ])('%s', (_, items, numMessages) => {
    expect(chatMessages(null, items)).toHaveLength(numMessages);
  });

  it('joins parts of text, a line each', () => {
    const parts = ['a', 'b'].map((text) => ({ type: 'input_text' as const, text }));
    expect(chatMessages(null, [{ role: 'user', content: parts }])).toEqual([{ role: 'user', content: 'a\nb' }]);
  });
});

describe('storedItems', () => {
  it('gives ids where there are none, and keeps those that there are', () => {
    const newId = (prefix: string): string => `${prefix}_new`;
    expect(storedItems('Hi', newId)).toEqual([
      { type: 'message', id: 'msg_new', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
    ]);
    const items = storedItems([{ ...said('assistant', 'a'), id: 'msg_7' }, thought('x'), CALL, OUTPUT], newId);
    expect(items.map(({ id }) => id)).toEqual(['msg_7', 'rs_new', 'fc_new', 'fco_new']);
    expect(items[0]).toMatchObject({ content: [{ type: 'output_text', text: 'a' }] });
  });
});

describe('checkCalls', () => {
  it('wants each output to have its call before it, in this input or earlier', () => {
    expect(() => checkCalls([], [CALL, OUTPUT])).not.toThrow();
    expect(() => checkCalls([CALL], [OUTPUT])).not.toThrow();
    expect(() => checkCalls([], [OUTPUT, CALL])).toThrow(expect.objectContaining({ field: 'input.0.call_id' }));
  });
});

describe('previousItems', () => {
  let store: ResponseStore;
  const find = (id: string): StoredTurn | undefined => store.turn(id);
  const put = (id: string, previous: string | null, text: string, status: ResponseObject['status'] = 'completed'): void =>
    store.put({
      response: { id, previous_response_id: previous, status, output: [] as unknown } as ResponseObject,
      input: storedItems(text, () => id),
      apiKeyName: null,
    });
  beforeEach(() => (store = new ResponseStore({ maxResponses: 3000, maxBytes: 2 ** 24, ttlMs: 1 }, () => 0)));

  it('go back to the beginning, oldest first', () => {
    put('a', null, 'first');
    put('b', 'a', 'second');
    put('c', 'b', 'third');
    expect(chatMessages(null, previousItems(find, 'c')).map(({ content }) => content)).toEqual(['first', 'second', 'third']);
  });

  it('are refused where one is gone, has not ended well, or where they are too many', () => {
    put('b', 'a', 'second');
    put('x', null, '', 'failed');
    expect(() => previousItems(find, 'b')).toThrow(expect.objectContaining({ code: 'previous_response_not_found' }));
    expect(() => previousItems(find, 'x')).toThrow(/failed/);
    for (let index = 0; index <= 1024; index++) put(`r${index}`, index === 0 ? null : `r${index - 1}`, 'x');
    expect(previousItems(find, 'r1023')).toHaveLength(1024);
    expect(() => previousItems(find, 'r1024')).toThrow(/1024/);
  });

  it('are refused where they are too large, before any is read', () => {
    const text = 'x'.repeat(MAX_PREVIOUS_BYTES / 2 - 1000);
    put('a', null, text);
    put('b', 'a', text);
    put('c', 'b', 'x'.repeat(2000));
    expect(previousItems(find, 'b')).toHaveLength(2);
    const unread = (id: string): StoredTurn => ({ ...find(id)!, items: () => expect.fail('was read') });
    expect(() => previousItems(unread, 'c')).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        field: 'previous_response_id',
        message: expect.stringMatching(/^previous_response_id: .*2097152 bytes.*send .* as input/) as string,
      }),
    );
  });
});

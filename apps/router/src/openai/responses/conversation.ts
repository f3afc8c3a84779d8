import { InvalidRequestError, PreviousResponseNotFoundError } from '@ringmesh/core';
import { MAX_BODY_BYTES } from '../../http/json-body.js';
import type { Conversation } from '../schemas/chat-request.js';
import { type InputItem, MAX_ITEMS } from './input-items.js';
import type { OutputItem } from './response-object.js';
import type { StoredItem, StoredTurn } from './response-store.js';

type ChatMessage = Conversation['messages'][number];
type Item = InputItem | OutputItem;

/** Of a conversation that is gone on from, as JSON: as much as could be sent as `input`. */
export const MAX_PREVIOUS_BYTES = MAX_BODY_BYTES;

/** The input as items that can be kept and listed: with ids, and texts as parts. */
export function storedItems(input: string | InputItem[], newId: (prefix: string) => string): StoredItem[] {
  const items: InputItem[] = typeof input === 'string' ? [{ role: 'user', content: input }] : input;
  return items.map((item) => {
    switch (item.type) {
      case undefined:
      case 'message': {
        const type = item.role === 'assistant' ? 'output_text' : 'input_text';
        const content = typeof item.content === 'string' ? [{ type, text: item.content } as const] : item.content;
        return { ...item, type: 'message', id: item.id ?? newId('msg'), content };
      }
      case 'function_call':
        return { ...item, id: item.id ?? newId('fc') };
      case 'function_call_output':
        return { ...item, id: item.id ?? newId('fco') };
      case 'reasoning':
        return { ...item, id: item.id ?? newId('rs') };
    }
  });
}

/**
 * The items of the conversation that a response goes on from, oldest first. None is read before all are known to be within limits.
 * @param find by id
 * @throws PreviousResponseNotFoundError, InvalidRequestError where it cannot be followed
 */
export function previousItems(find: (id: string) => StoredTurn | undefined, id: string): Item[] {
  const field = 'previous_response_id';
  const turns: StoredTurn[] = [];
  let numItems = 0;
  let numBytes = 0;
  for (let next: string | null = id; next !== null;) {
    const turn = find(next);
    if (turn === undefined) {
      const which = next === id ? next : `${next}, which the conversation of ${id} goes back to,`;
      throw new PreviousResponseNotFoundError(`${field}: the response ${which} is not kept, or not any more: send the whole input`, {
        field,
      });
    }
    const { status, previousId } = turn;
    if (status !== 'completed' && status !== 'incomplete') {
      throw new InvalidRequestError(`${field}: the response ${next} is ${status}: only one that has ended well can be followed`, { field });
    }
    turns.push(turn);
    numItems += turn.numItems;
    numBytes += turn.itemBytes;
    if (numItems > MAX_ITEMS || numBytes > MAX_PREVIOUS_BYTES) {
      const limit = numItems > MAX_ITEMS ? `${MAX_ITEMS} items` : `${MAX_PREVIOUS_BYTES} bytes of items`;
      const remedy = 'send what is still needed of it as input, without previous_response_id';
      throw new InvalidRequestError(`${field}: the conversation of ${id} has more than ${limit}: ${remedy}`, { field });
    }
    next = previousId;
  }
  return turns.reverse().flatMap((turn) => turn.items());
}

/** @throws InvalidRequestError for an output without its call */
export function checkCalls(previous: Item[], input: InputItem[]): void {
  const calls = new Set(previous.map((item) => (item.type === 'function_call' ? item.call_id : undefined)));
  for (const [index, item] of input.entries()) {
    if (item.type === 'function_call') calls.add(item.call_id);
    if (item.type !== 'function_call_output' || calls.has(item.call_id)) continue;
    const field = `input.${index}.call_id`;
    throw new InvalidRequestError(`${field}: no function_call with the call_id ${JSON.stringify(item.call_id)} comes before it`, { field });
  }
}

/** Items as messages of a chat: a thought, what is said after it and calls are one message of the assistant. */
export function chatMessages(instructions: string | null | undefined, items: Item[]): ChatMessage[] {
  const messages: ChatMessage[] = instructions == null ? [] : [{ role: 'system', content: instructions }];
  for (const item of items) {
    if (item.type === 'function_call_output') {
      messages.push({ role: 'tool', content: textOf(item.output), tool_call_id: item.call_id });
    } else if (item.type === 'function_call') {
      const call = { id: item.call_id, type: 'function' as const, function: { name: item.name, arguments: item.arguments } };
      const message = assistantMessage(messages, () => true);
      message.tool_calls = [...(message.tool_calls ?? []), call];
    } else if (item.type === 'reasoning') {
      const thought = (item.content ?? []).map(({ text }) => text).join('');
      assistantMessage(messages, () => false).reasoning_content = thought;
    } else if (item.role === 'assistant') {
      assistantMessage(messages, ({ content }) => content == null).content = textOf(item.content);
    } else {
      messages.push({ role: item.role, content: textOf(item.content) });
    }
  }
  return messages;
}

/** The assistant's message at the end where it `fits`, else a new one. */
function assistantMessage(messages: ChatMessage[], fits: (message: ChatMessage) => boolean): ChatMessage {
  const last = messages.at(-1);
  if (last?.role === 'assistant' && fits(last)) return last;
  const message: ChatMessage = { role: 'assistant' };
  messages.push(message);
  return message;
}

/** Text parts are a text, a line each, as in chats. */
function textOf(content: string | { text: string }[]): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('\n');
}

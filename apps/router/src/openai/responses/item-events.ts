import type { Block, BlockEvent } from '../../output/block-builder.js';
import type { ContentPart, ItemStatus, OutputItem, ResponseObject } from './response-object.js';

/** Where in the response something happens. */
interface Place {
  item_id: string;
  output_index: number;
}
interface PartPlace extends Place {
  content_index: number;
}

/** An event of a streamed response, but for its number. */
export type ResponseEventBody =
  | {
      type: `response.${'created' | 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed'}`;
      response: ResponseObject;
    }
  | { type: `response.output_item.${'added' | 'done'}`; output_index: number; item: OutputItem }
  | (PartPlace & { type: `response.content_part.${'added' | 'done'}`; part: ContentPart })
  | (PartPlace & { type: 'response.output_text.delta'; delta: string; logprobs: never[] })
  | (PartPlace & { type: 'response.output_text.done'; text: string; logprobs: never[] })
  | (PartPlace & { type: 'response.reasoning_text.delta'; delta: string })
  | (PartPlace & { type: 'response.reasoning_text.done'; text: string })
  | (Place & { type: 'response.function_call_arguments.delta'; delta: string })
  | (Place & { type: 'response.function_call_arguments.done'; name: string; arguments: string });

/** A block as an item of the output. */
export function outputItem(id: string, block: Block, status: ItemStatus): OutputItem {
  if (block.type === 'call') {
    return { type: 'function_call', id, call_id: block.id, name: block.name, arguments: block.arguments, status };
  }
  if (block.type === 'reasoning') {
    const content = [{ type: 'reasoning_text' as const, text: block.text }];
    return { type: 'reasoning', id, summary: [], content, encrypted_content: null, status };
  }
  const content = [{ type: 'output_text' as const, text: block.text, annotations: [], logprobs: [] }];
  return { type: 'message', id, role: 'assistant', status, content };
}

/**
 * What happens to a block, as OpenAI's events: an item is added and its part is added; the part grows; text, part and item are done.
 * @param status of an item that is done
 */
export function itemEvents(event: BlockEvent, id: string, status: ItemStatus): ResponseEventBody[] {
  const { index: output_index, block } = event;
  const place = { item_id: id, output_index };
  const partPlace = { ...place, content_index: 0 };
  switch (event.type) {
    case 'start': {
      const item = outputItem(id, emptied(block), 'in_progress');
      const part = partOf(item);
      if (item.type === 'function_call' || part === undefined) return [{ type: 'response.output_item.added', output_index, item }];
      return [
        { type: 'response.output_item.added', output_index, item: { ...item, content: [] } },
        { type: 'response.content_part.added', ...partPlace, part },
      ];
    }
    case 'delta': {
      const { text: delta } = event;
      if (block.type === 'call') return [{ type: 'response.function_call_arguments.delta', ...place, delta }];
      if (block.type === 'reasoning') return [{ type: 'response.reasoning_text.delta', ...partPlace, delta }];
      return [{ type: 'response.output_text.delta', ...partPlace, delta, logprobs: [] }];
    }
    case 'stop': {
      const item = outputItem(id, block, status);
      return [...doneEvents(item, place), { type: 'response.output_item.done', output_index, item }];
    }
  }
}

function doneEvents(item: OutputItem, place: Place): ResponseEventBody[] {
  if (item.type === 'function_call') {
    return [{ type: 'response.function_call_arguments.done', ...place, name: item.name, arguments: item.arguments }];
  }
  const partPlace = { ...place, content_index: 0 };
  const part = partOf(item)!;
  const done: ResponseEventBody =
    part.type === 'reasoning_text'
      ? { type: 'response.reasoning_text.done', ...partPlace, text: part.text }
      : { type: 'response.output_text.done', ...partPlace, text: part.text, logprobs: [] };
  return [done, { type: 'response.content_part.done', ...partPlace, part }];
}

function partOf(item: OutputItem): ContentPart | undefined {
  return item.type === 'function_call' ? undefined : item.content[0];
}

function emptied(block: Block): Block {
  return block.type === 'call' ? { ...block, arguments: '' } : { ...block, text: '' };
}

import { InvalidRequestError } from '@ringmesh/core';
import { z } from 'zod';
import type { InputItemList } from './response-object.js';
import type { StoredItem } from './response-store.js';

/** GET /v1/responses/{id}/input_items */
export const inputItemsQuerySchema = z.object({
  limit: z.coerce.number<string>().int().min(1).max(100).default(20),
  order: z.enum(['asc', 'desc']).default('desc'),
  after: z.string().optional().describe('The id of the item before the first one to list.'),
});
export type InputItemsQuery = z.infer<typeof inputItemsQuerySchema>;

/** A page of the items. @throws InvalidRequestError for an unknown `after` */
export function inputItemList(items: StoredItem[], { limit, order, after }: InputItemsQuery): InputItemList {
  const ordered = order === 'asc' ? items : items.toReversed();
  const start = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && start === 0) {
    throw new InvalidRequestError(`after: the input has no item with the id ${JSON.stringify(after)}`, { field: 'after' });
  }
  const page = ordered.slice(start, start + limit).map((item) => ({ status: 'completed', ...item, type: item.type ?? 'message' }));
  return {
    object: 'list',
    data: page,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: start + limit < ordered.length,
  };
}

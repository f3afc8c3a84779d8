import { GrammarInvalidError } from '@ringmesh/core';

const MAX_DEPTH = 64;

/** Before anything walks a schema recursively, JSON.stringify included. @throws GrammarInvalidError */
export function checkDepth(value: unknown, room = MAX_DEPTH): void {
  if (typeof value !== 'object' || value === null) return;
  if (room === 0) throw new GrammarInvalidError(`a schema nested more than ${MAX_DEPTH} deep is not supported`);
  for (const child of Object.values(value)) checkDepth(child, room - 1);
}

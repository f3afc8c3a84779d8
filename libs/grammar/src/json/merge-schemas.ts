import { isDeepStrictEqual } from 'node:util';
import { GrammarInvalidError } from '@ringmesh/core';
import type { Schema } from './schema-node.js';

/** How a keyword that both schemas have becomes one. */
const MERGES: Readonly<Record<string, (a: never, b: never) => unknown>> = {
  required: (a: unknown[], b: unknown[]) => [...new Set([...a, ...b])],
  type: (a: string | string[], b: string | string[]) => commonTypes([a].flat(), [b].flat()),
  properties: (a: Schema, b: Schema) => {
    const both = Object.keys(a).filter((name) => Object.hasOwn(b, name));
    return { ...a, ...b, ...Object.fromEntries(both.map((name) => [name, merged(a[name], b[name])])) };
  },
  minimum: Math.max,
  exclusiveMinimum: Math.max,
  minLength: Math.max,
  minItems: Math.max,
  minProperties: Math.max,
  maximum: Math.min,
  exclusiveMaximum: Math.min,
  maxLength: Math.min,
  maxItems: Math.min,
  maxProperties: Math.min,
  $defs: (a: Schema, b: Schema) => ({ ...a, ...b }),
  definitions: (a: Schema, b: Schema) => ({ ...a, ...b }),
};
const ANNOTATIONS = new Set([
  'title',
  'description',
  'default',
  'examples',
  '$schema',
  '$id',
  '$comment',
  'deprecated',
  'readOnly',
  'writeOnly',
]);

/**
 * What fulfils both schemas. An object whose properties come from both may have all of them, `additionalProperties: false` or not, as whoever
 * writes `allOf` means it.
 * @throws GrammarInvalidError for keywords that cannot be joined
 */
export function mergeSchemas(a: Schema, b: Schema, path: string): Schema {
  const result: Record<string, unknown> = { ...a };
  for (const [keyword, value] of Object.entries(b)) {
    const other = a[keyword];
    const merge = MERGES[keyword];
    if (other === undefined || ANNOTATIONS.has(keyword) || keyword.startsWith('x-')) result[keyword] = value;
    else if (merge !== undefined) result[keyword] = merge(other as never, value as never);
    else if (!isDeepStrictEqual(other, value))
      throw new GrammarInvalidError(`${path}: "${keyword}" stands in several schemas that must hold together, which is not supported`);
  }
  return result;
}

function merged(a: unknown, b: unknown): unknown {
  return isDeepStrictEqual(a, b) ? a : { allOf: [a, b] };
}

function commonTypes(a: string[], b: string[]): string[] {
  const accepts = (types: string[], type: string): boolean => types.includes(type) || (type === 'integer' && types.includes('number'));
  return [...new Set([...a.filter((type) => accepts(b, type)), ...b.filter((type) => accepts(a, type))])];
}

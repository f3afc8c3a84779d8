import { isDeepStrictEqual } from 'node:util';
import { GrammarInvalidError } from '@ringmesh/core';
import type { Budget } from '../machine/budget.js';
import { sizeOf } from './schema-size.js';
import { ENFORCED, type Schema } from './schema-node.js';

type Merge = (a: unknown, b: unknown) => unknown;

/** A number of two; anything else is kept for whoever reads it to refuse. */
const limit = (pick: (a: number, b: number) => number): Merge => {
  return (a, b) => (typeof a !== 'number' ? a : typeof b !== 'number' ? b : pick(a, b));
};
const [highest, lowest] = [limit(Math.max), limit(Math.min)];

/** How a keyword that two schemas have becomes one. */
const MERGES: ReadonlyMap<string, Merge> = new Map<string, Merge>([
  ['type', (a, b) => commonTypes(new Set([a].flat()), new Set([b].flat()))],
  ['additionalProperties', (a, b) => (a === false || b === false ? false : a === true ? b : b === true ? a : both([a, b]))],
  ...['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'].map((keyword) => [keyword, highest] as const),
  ...['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'].map((keyword) => [keyword, lowest] as const),
]);

/**
 * What fulfils all of the schemas. An object whose properties come from several may have all of them, `additionalProperties: false` or not, as
 * whoever writes `allOf` means it. Annotations are left out.
 * @throws GrammarInvalidError for keywords that cannot be joined; GrammarTooComplexError
 */
export function mergeSchemas(given: readonly Schema[], path: string, budget: Budget): Schema {
  for (const schema of given) budget.spend(sizeOf(schema));
  const schemas = given.map(inOneDialect);
  const result: Record<string, unknown> = {};
  for (const schema of schemas) {
    for (const keyword of ENFORCED) {
      const [value, other] = [schema[keyword], result[keyword]];
      if (value === undefined || keyword === 'properties' || keyword === 'required') continue;
      const merge = MERGES.get(keyword);
      if (other === undefined) result[keyword] = value;
      else if (merge !== undefined) result[keyword] = merge(other, value);
      else if (!isDeepStrictEqual(other, value)) refuse(path, keyword);
    }
  }
  checkItems(schemas, path);
  // Of all at once: step by step they would be copied as often as there are schemas.
  if (schemas.some(({ properties }) => properties !== undefined)) result.properties = allProperties(schemas, budget);
  if (schemas.some(({ required }) => required !== undefined))
    result.required = [...new Set(schemas.flatMap(({ required }) => required ?? []))];
  return result;
}

/** Of each name all schemas that its value must fulfil: those of other parts that list its name, or have one for all that they do not list. */
function allProperties(schemas: readonly Schema[], budget: Budget): Schema {
  const parts = schemas.map(({ properties, additionalProperties: rest }) => {
    return { properties: (properties ?? {}) as Schema, rest: typeof rest === 'object' ? rest : undefined };
  });
  const names = new Map<string, unknown[]>();
  for (const { properties } of parts) {
    for (const [name, value] of Object.entries(properties)) {
      const list = names.get(name);
      if (list === undefined) names.set(name, [value]);
      else if (!isDeepStrictEqual(list[0], value)) list.push(value);
    }
  }
  for (const { properties, rest } of parts) {
    if (rest === undefined) continue;
    budget.spend(names.size);
    for (const [name, list] of names) if (!Object.hasOwn(properties, name)) list.push(rest);
  }
  return Object.fromEntries(Array.from(names, ([name, list]) => [name, both(list)]));
}

function both(schemas: readonly unknown[]): unknown {
  return schemas.every((schema) => isDeepStrictEqual(schema, schemas[0])) ? schemas[0] : { allOf: schemas };
}

/** Where "prefixItems" of one schema and "items" of another one meet, the latter is of the first items, too. */
function checkItems(schemas: readonly Schema[], path: string): void {
  const having = schemas.filter(({ items, prefixItems }) => items !== undefined || prefixItems !== undefined);
  const [first] = having;
  const isTuple = having.some(({ prefixItems }) => prefixItems !== undefined);
  const isSame = ({ items, prefixItems }: Schema): boolean =>
    isDeepStrictEqual(items, first!.items) && isDeepStrictEqual(prefixItems, first!.prefixItems);
  if (isTuple && !having.every(isSame)) refuse(path, 'prefixItems');
}

/** Draft 4's exclusive bounds and OpenAPI's "nullable", which change what the keyword beside them says, as draft 2020-12 writes them. */
function inOneDialect(schema: Schema): Schema {
  const { type, nullable } = schema;
  return {
    ...schema,
    ...(typeof schema.exclusiveMinimum === 'boolean' ? exclusive('minimum', 'exclusiveMinimum', schema) : {}),
    ...(typeof schema.exclusiveMaximum === 'boolean' ? exclusive('maximum', 'exclusiveMaximum', schema) : {}),
    ...(nullable === true && type !== undefined ? { type: [type, 'null'].flat(), nullable: undefined } : {}),
  };
}

function exclusive(plain: string, keyword: string, schema: Schema): Schema {
  const isExclusive = schema[keyword] === true && schema[plain] !== undefined;
  return isExclusive ? { [keyword]: schema[plain], [plain]: undefined } : { [keyword]: undefined };
}

function refuse(path: string, keyword: string): never {
  throw new GrammarInvalidError(`${path}: "${keyword}" stands in several schemas that must hold together, which is not supported`);
}

function commonTypes(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): unknown[] {
  const accepts = (types: ReadonlySet<unknown>, type: unknown): boolean => types.has(type) || (type === 'integer' && types.has('number'));
  return [...new Set([...[...a].filter((type) => accepts(b, type)), ...[...b].filter((type) => accepts(a, type))])];
}

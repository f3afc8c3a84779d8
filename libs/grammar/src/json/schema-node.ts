import { GrammarInvalidError } from '@ringmesh/core';
import { UNLIMITED } from '../machine/machine.js';

export type Schema = Readonly<Record<string, unknown>>;

const ANNOTATIONS = [
  'title',
  'description',
  'default',
  'examples',
  'example',
  'deprecated',
  'readOnly',
  'writeOnly',
  'discriminator',
  'contentEncoding',
  'contentMediaType',
  'strict',
  '$schema',
  '$id',
  'id',
  '$comment',
  '$defs',
  'definitions',
];

/** Keywords that are enforced. */
export const ENFORCED = [
  'type',
  'nullable',
  'enum',
  'const',
  'anyOf',
  'oneOf',
  'allOf',
  '$ref',
  'properties',
  'required',
  'additionalProperties',
  'propertyNames',
  'minProperties',
  'maxProperties',
  'items',
  'prefixItems',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
] as const;

const LISTS = ['enum', 'anyOf', 'oneOf', 'allOf', 'required', 'prefixItems'];
const RECORDS = ['properties', '$defs', 'definitions'];
const KNOWN: ReadonlySet<string> = new Set([...ANNOTATIONS, ...ENFORCED]);
/** Keywords that allow everything with this value. */
const NEUTRAL: Readonly<Record<string, unknown>> = { uniqueItems: false, unevaluatedProperties: true, unevaluatedItems: true };

/** Those that were looked at: references lead to the same schema again and again. */
const checked = new WeakSet<Schema>();
const MAX_SHOWN = 300;

/** One schema of a document, and where it is: `#/properties/name`. */
export class SchemaNode {
  constructor(
    readonly schema: Schema,
    readonly path: string,
  ) {}

  /** @throws GrammarInvalidError for what is no schema, and for a keyword that is not supported */
  static of(value: unknown, path: string): SchemaNode {
    if (value === true) return new SchemaNode({}, path);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new GrammarInvalidError(
        `${path} must be a JSON schema: an object${value === false ? '; false, which no value fulfils, is not supported here' : ''}`,
      );
    }
    const node = new SchemaNode(value as Schema, path);
    if (checked.has(node.schema)) return node;
    for (const [keyword, given] of Object.entries(value)) {
      const isKnown = KNOWN.has(keyword) || keyword.startsWith('x-') || (keyword in NEUTRAL && NEUTRAL[keyword] === given);
      if (!isKnown) node.fail(keyword, 'is not supported');
    }
    for (const keyword of LISTS) node.list(keyword);
    for (const keyword of RECORDS) node.record(keyword);
    checked.add(node.schema);
    return node;
  }

  has(keyword: string): boolean {
    return this.schema[keyword] !== undefined;
  }

  value(keyword: string): unknown {
    return this.schema[keyword];
  }

  child(keyword: string, ...steps: (string | number)[]): SchemaNode {
    let path = `${this.path}/${keyword}`;
    for (const step of steps) path += `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`; // not joined: that copies long names
    return SchemaNode.of(
      steps.reduce<unknown>((value, step) => (value as Record<string | number, unknown>)[step], this.schema[keyword]),
      path,
    );
  }

  children(keyword: string): SchemaNode[] {
    return this.list(keyword).map((_, index) => this.child(keyword, index));
  }

  list(keyword: string): unknown[] {
    const value = this.schema[keyword] ?? [];
    return Array.isArray(value) ? (value as unknown[]) : this.fail(keyword, 'must be a list');
  }

  record(keyword: string): Schema {
    const value = this.schema[keyword] ?? {};
    const isRecord = typeof value === 'object' && !Array.isArray(value);
    return isRecord ? (value as Schema) : this.fail(keyword, 'must be an object');
  }

  text(keyword: string): string | undefined {
    const value = this.schema[keyword];
    return value === undefined || typeof value === 'string' ? value : this.fail(keyword, 'must be a string');
  }

  number(keyword: string): number | undefined {
    const value = this.schema[keyword];
    return value === undefined || (typeof value === 'number' && Number.isFinite(value)) ? value : this.fail(keyword, 'must be a number');
  }

  /** A whole number from 0 on; those that no counter reaches are one. */
  count(keyword: string): number | undefined {
    const value = this.number(keyword);
    if (value === undefined) return undefined;
    return Number.isInteger(value) && value >= 0 ? Math.min(value, UNLIMITED) : this.fail(keyword, 'must be a whole number from 0 on');
  }

  /** @throws GrammarInvalidError */
  fail(keyword: string, problem: string): never {
    const path = this.path.length > MAX_SHOWN ? `${this.path.slice(0, MAX_SHOWN)}…` : this.path;
    throw new GrammarInvalidError(`${path}: "${keyword}" ${problem}`);
  }
}

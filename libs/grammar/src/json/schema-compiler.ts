import { GrammarInvalidError, GrammarTooComplexError } from '@ringmesh/core';
import type { Budget } from '../machine/budget.js';
import type { MachineBuilder } from '../machine/machine-builder.js';
import { StateFlag } from '../machine/machine.js';
import { ArrayCompiler } from './array-compiler.js';
import { BOOLEAN, NULL, VALUE } from './base-rules.js';
import { NumberCompiler } from './number-compiler.js';
import { ObjectCompiler } from './object-compiler.js';
import type { SchemaDocument } from './schema-document.js';
import { type Schema, SchemaNode } from './schema-node.js';
import { StringCompiler } from './string-compiler.js';

const TYPES = ['string', 'number', 'integer', 'boolean', 'null', 'object', 'array'] as const;
type Type = (typeof TYPES)[number];

const MAX_SCHEMAS_DEEP = 100;
/** What it costs to come to a schema, and to make its rule, in steps. */
const [VISIT_STEPS, SCHEMA_STEPS] = [10, 100];

/** Keywords that say of which type a value is where "type" does not. */
const TYPE_OF_KEYWORD: Readonly<Record<string, Type>> = {
  properties: 'object',
  required: 'object',
  additionalProperties: 'object',
  propertyNames: 'object',
  minProperties: 'object',
  maxProperties: 'object',
  items: 'array',
  prefixItems: 'array',
  minItems: 'array',
  maxItems: 'array',
  minLength: 'string',
  maxLength: 'string',
  pattern: 'string',
  format: 'string',
  minimum: 'number',
  maximum: 'number',
  exclusiveMinimum: 'number',
  exclusiveMaximum: 'number',
  multipleOf: 'number',
};

/** Turns the schemas of a document into rules: one for each place, so that recursive schemas become recursive rules. */
export class SchemaCompiler {
  private readonly rules = new Map<Schema, number>();
  /** Schemas whose rules are being made, from the outermost on, and the rules that recursion asked for. */
  private readonly unfinished = new Map<Schema, number | undefined>();
  private readonly strings: StringCompiler;
  private readonly numbers: NumberCompiler;
  private readonly objects: ObjectCompiler;
  private readonly arrays: ArrayCompiler;

  constructor(
    private readonly document: SchemaDocument,
    private readonly builder: MachineBuilder,
    private readonly budget: Budget,
  ) {
    const compile = (node: SchemaNode): number => this.compile(node);
    this.strings = new StringCompiler(builder, budget);
    this.numbers = new NumberCompiler(builder, budget);
    this.objects = new ObjectCompiler(builder, this.strings, compile);
    this.arrays = new ArrayCompiler(builder, compile);
  }

  /** @returns the rule of the values that fulfil a schema */
  compile(given: SchemaNode): number {
    this.budget.spend(VISIT_STEPS);
    const node = this.document.resolve(given);
    const known = this.rules.get(node.schema);
    if (known !== undefined) return known;
    if (this.unfinished.has(node.schema)) return this.recursive(node.schema);
    if (this.unfinished.size >= MAX_SCHEMAS_DEEP)
      throw new GrammarTooComplexError(`schemas within schemas more than ${MAX_SCHEMAS_DEEP} deep`);
    this.budget.spend(SCHEMA_STEPS);
    this.unfinished.set(node.schema, undefined);
    const rule = this.compileNode(node);
    const called = this.unfinished.get(node.schema);
    if (called !== undefined) this.builder.choice([rule], called);
    this.unfinished.delete(node.schema);
    this.rules.set(node.schema, rule);
    return rule;
  }

  /** A rule for a schema within itself: it calls the one that is being made. */
  private recursive(schema: Schema): number {
    const rule = this.unfinished.get(schema) ?? this.builder.rule();
    this.unfinished.set(schema, rule);
    return rule;
  }

  private compileNode(node: SchemaNode): number {
    if (node.has('enum') || node.has('const')) return this.compileEnum(node);
    const alternatives = ['anyOf', 'oneOf'].filter((keyword) => node.has(keyword));
    if (alternatives.length > 1) node.fail('oneOf', 'beside "anyOf" is not supported');
    if (alternatives.length === 1) return this.compileAlternatives(node, alternatives[0]!);
    const rules = typesOf(node).map((type) => this.compileType(type, node));
    return rules.length === 1 ? rules[0]! : this.builder.choice(rules);
  }

  /** `oneOf` is taken as `anyOf`. */
  private compileAlternatives(node: SchemaNode, keyword: string): number {
    const { [keyword]: _list, ...rest } = node.schema;
    const beside = new SchemaNode(rest, node.path);
    const hasMore = Object.keys(rest).some((name) => name === 'type' || name in TYPE_OF_KEYWORD);
    const options = node.children(keyword);
    if (options.length === 0) node.fail(keyword, 'must have at least one schema');
    const rules = options.map((option) =>
      this.compile(hasMore ? this.document.join([beside, this.document.resolve(option)], node.path) : option),
    );
    if (rest.nullable === true) rules.push(NULL);
    return rules.length === 1 ? rules[0]! : this.builder.choice(rules);
  }

  private compileEnum(node: SchemaNode): number {
    const other = Object.keys(node.schema).find((keyword) => keyword in TYPE_OF_KEYWORD || ['anyOf', 'oneOf'].includes(keyword));
    if (other !== undefined) node.fail(other, 'beside "enum" or "const" is not supported');
    const given = node.has('enum') ? node.list('enum') : [node.value('const')];
    const types = node.has('type') || node.value('nullable') === true ? typesOf(node) : undefined;
    const only = node.has('enum') && node.has('const') ? JSON.stringify(node.value('const')) : undefined;
    const isConst = (value: unknown): boolean => only === undefined || JSON.stringify(value) === only;
    const values = given.filter((value) => isConst(value) && (types === undefined || types.some((type) => hasType(value, type))));
    if (values.length === 0) node.fail(node.has('enum') ? 'enum' : 'const', 'leaves no value');
    const start = this.builder.state();
    this.builder.oneOf(
      start,
      values.map((value) => JSON.stringify(value)),
      this.builder.state(StateFlag.ACCEPTS),
    );
    return this.builder.rule(start);
  }

  private compileType(type: Type | 'any', node: SchemaNode): number {
    switch (type) {
      case 'any':
        return VALUE;
      case 'string':
        return this.strings.compile(node);
      case 'number':
      case 'integer':
        return this.numbers.compile(node, type === 'integer');
      case 'boolean':
        return BOOLEAN;
      case 'null':
        return NULL;
      case 'object':
        return this.objects.compile(node);
      case 'array':
        return this.arrays.compile(node);
    }
  }
}

function typesOf(node: SchemaNode): (Type | 'any')[] {
  const given = node.value('type');
  if (given === undefined) {
    const inferred = Object.keys(node.schema).flatMap((keyword) => TYPE_OF_KEYWORD[keyword] ?? []);
    const types: (Type | 'any')[] = inferred.length === 0 ? ['any'] : [...new Set(inferred)];
    return types;
  }
  const types = [...new Set([given].flat())].map(
    (type) => TYPES.find((known) => known === type) ?? node.fail('type', `must be of ${TYPES.join(', ')}`),
  );
  if (types.length === 0) throw new GrammarInvalidError(`${node.path}: no type is left that all schemas here allow`);
  return [...new Set(node.value('nullable') === true ? [...types, 'null' as const] : types)];
}

function hasType(value: unknown, type: Type | 'any'): boolean {
  switch (type) {
    case 'any':
      return true;
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
  }
}

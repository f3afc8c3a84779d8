import type { MachineBuilder } from '../machine/machine-builder.js';
import { UNLIMITED } from '../machine/machine.js';
import { OBJECT, VALUE } from './base-rules.js';
import { type ObjectParts, writeObject } from './object-rule.js';
import { SchemaNode } from './schema-node.js';
import type { StringCompiler } from './string-compiler.js';

const NAME_KEYWORDS = new Set(['type', 'enum', 'pattern', 'format', 'minLength', 'maxLength']);

/** Rules of objects: the properties come in the order of the schema, those that are not named last. */
export class ObjectCompiler {
  constructor(
    private readonly builder: MachineBuilder,
    private readonly strings: StringCompiler,
    private readonly compileSchema: (node: SchemaNode) => number,
  ) {}

  compile(node: SchemaNode): number {
    const named = Object.keys(node.record('properties'));
    const required = node
      .list('required')
      .map((name) => (typeof name === 'string' ? name : node.fail('required', 'must be a list of names')));
    const isOpen = node.has('additionalProperties') ? node.value('additionalProperties') !== false : !node.has('properties');
    const known = new Set(named);
    const unnamed = [...new Set(required)].filter((name) => !known.has(name));
    if (unnamed.length > 0 && !isOpen) node.fail('required', `has "${unnamed[0]}", which is not one of the properties`);
    const { min, max } = this.limits(node, named.length + unnamed.length, required, isOpen);
    if (
      named.length + unnamed.length === 0 &&
      isOpen &&
      min === 0 &&
      max === UNLIMITED &&
      !hasSchema(node, 'additionalProperties') &&
      !node.has('propertyNames')
    ) {
      return OBJECT;
    }
    const rule = this.builder.rule(-1, min, max);
    const extraValue = hasSchema(node, 'additionalProperties') ? this.compileSchema(node.child('additionalProperties')) : VALUE;
    const isRequired = new Set(required);
    const properties = [
      ...named.map((name) => ({ name, rule: this.compileSchema(node.child('properties', name)), isRequired: isRequired.has(name) })),
      ...unnamed.map((name) => ({ name, rule: extraValue, isRequired: true })),
    ];
    const names = properties.map(({ name }) => name);
    this.checkNames(node, names);
    const key = isOpen && max > names.length ? this.extraNames(node, names) : undefined;
    const extra: ObjectParts['extra'] = key === undefined ? undefined : { key, value: extraValue };
    this.builder.setStart(rule, writeObject(this.builder, { properties, extra, min }));
    return rule;
  }

  /** "propertyNames" holds for the names that are listed, too. */
  private checkNames(node: SchemaNode, names: readonly string[]): void {
    if (node.value('propertyNames') === false) node.fail('propertyNames', 'must be a schema of strings');
    if (!hasSchema(node, 'propertyNames')) return;
    const schema = node.child('propertyNames');
    const other = Object.keys(schema.schema).find((keyword) => !NAME_KEYWORDS.has(keyword));
    if (other !== undefined || (schema.value('type') ?? 'string') !== 'string') node.fail('propertyNames', 'must be a schema of strings');
    const limit = Object.keys(schema.schema).find((keyword) => keyword !== 'type' && keyword !== 'enum');
    if (schema.has('enum') && limit !== undefined) schema.fail(limit, 'beside "enum" is not supported');
    if (names.length === 0 || (limit === undefined && !schema.has('enum'))) return;
    if (!schema.has('enum')) node.fail('propertyNames', 'with limits is not supported beside named properties');
    const allowed = new Set(schema.list('enum'));
    const refused = names.find((name) => !allowed.has(name));
    if (refused !== undefined) node.fail('propertyNames', `does not have "${refused}", which is one of the properties`);
  }

  /** The rule of names that the schema does not list; undefined where there are none. */
  private extraNames(node: SchemaNode, names: readonly string[]): number | undefined {
    if (!hasSchema(node, 'propertyNames')) return this.strings.except(names);
    const schema = node.child('propertyNames');
    if (schema.has('enum')) {
      const taken = new Set(names);
      const free = schema.list('enum').filter((name) => typeof name === 'string' && !taken.has(name));
      return free.length === 0 ? undefined : this.compileSchema(new SchemaNode({ enum: free }, schema.path));
    }
    return names.length === 0 ? this.strings.compile(schema) : this.strings.except(names);
  }

  /** Counted where all names are free; else only limits that the properties keep by themselves. */
  private limits(node: SchemaNode, numNames: number, required: readonly string[], isOpen: boolean): { min: number; max: number } {
    const [min = 0, max = UNLIMITED] = [node.count('minProperties'), node.count('maxProperties')];
    if (min > max) node.fail('maxProperties', `${max} is less than "minProperties"`);
    const numRequired = new Set(required).size;
    // The same free name may be written twice, and is read as one.
    if (min > Math.max(1, numRequired)) node.fail('minProperties', 'above 1 is supported where so many properties are required');
    if (numNames > 0 && max < (isOpen ? UNLIMITED : numNames)) node.fail('maxProperties', 'is supported where no property is named');
    return { min: min > numRequired ? min : 0, max: numNames > 0 ? UNLIMITED : max };
  }
}

/** Whether a keyword that may be a boolean has a schema. */
function hasSchema(node: SchemaNode, keyword: string): boolean {
  return node.has(keyword) && typeof node.value(keyword) !== 'boolean';
}

import type { MachineBuilder } from '../machine/machine-builder.js';
import { UNLIMITED } from '../machine/machine.js';
import { writeArray } from './array-rule.js';
import { ARRAY, VALUE } from './base-rules.js';
import type { SchemaNode } from './schema-node.js';

/** Rules of arrays. */
export class ArrayCompiler {
  constructor(
    private readonly builder: MachineBuilder,
    private readonly compileSchema: (node: SchemaNode) => number,
  ) {}

  compile(node: SchemaNode): number {
    const [min = 0, most = UNLIMITED] = [node.count('minItems'), node.count('maxItems')];
    const isTuple = node.has('prefixItems');
    // Without "items" a tuple ends: a reader that knows the schema expects no more.
    const hasRest = node.has('items') ? node.value('items') !== false : !isTuple;
    if (!isTuple && !node.has('items') && min === 0 && most === UNLIMITED) return ARRAY;
    if (Array.isArray(node.value('items'))) node.fail('items', 'must be one schema; a list of them is "prefixItems"');
    const prefix = node.children('prefixItems');
    const max = hasRest ? most : Math.min(most, prefix.length);
    if (min > max) node.fail('minItems', `${min} is more than the ${max} items that there may be`);
    const rule = this.builder.rule(-1, min, max);
    const parts = { prefix: prefix.slice(0, max).map((item) => this.compileSchema(item)), min, max };
    const takesRest = hasRest && max > prefix.length;
    const rest = takesRest ? (node.has('items') ? this.compileSchema(node.child('items')) : VALUE) : undefined;
    this.builder.setStart(rule, writeArray(this.builder, { ...parts, rest }));
    return rule;
  }
}

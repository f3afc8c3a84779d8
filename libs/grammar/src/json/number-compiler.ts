import type { Budget } from '../machine/budget.js';
import type { MachineBuilder } from '../machine/machine-builder.js';
import { INTEGER, NUMBER } from './base-rules.js';
import { type Bound, compileNumber } from './number-rule.js';
import type { SchemaNode } from './schema-node.js';

/** Rules of numbers. */
export class NumberCompiler {
  private readonly known = new Map<string, number>();

  constructor(
    private readonly builder: MachineBuilder,
    private readonly budget: Budget,
  ) {}

  compile(node: SchemaNode, isInteger: boolean): number {
    const lower = bound(node, 'minimum', 'exclusiveMinimum', (a, b) => a > b);
    const upper = bound(node, 'maximum', 'exclusiveMaximum', (a, b) => a < b);
    const multipleOf = node.number('multipleOf');
    if (multipleOf !== undefined && multipleOf <= 0) node.fail('multipleOf', 'must be above 0');
    if (lower === undefined && upper === undefined && multipleOf === undefined) return isInteger ? INTEGER : NUMBER;
    const key = JSON.stringify([isInteger, lower, upper, multipleOf]);
    let rule = this.known.get(key);
    if (rule === undefined) {
      const dfa = compileNumber({ isInteger, lower, upper, multipleOf }, this.budget);
      if (dfa === undefined) node.fail(upper === undefined ? 'minimum' : 'maximum', 'leaves no number');
      this.known.set(key, (rule = this.builder.automaton(dfa)));
    }
    return rule;
  }
}

/** The stricter one of a bound and an exclusive one, which older drafts write as `true` beside the bound. */
function bound(node: SchemaNode, plain: string, exclusive: string, isStricter: (a: number, b: number) => boolean): Bound | undefined {
  const value = node.number(plain);
  const flag = node.value(exclusive);
  if (typeof flag === 'boolean') return value === undefined ? undefined : { value, isExclusive: flag };
  const beyond = node.number(exclusive);
  if (beyond !== undefined && (value === undefined || !isStricter(value, beyond))) return { value: beyond, isExclusive: true };
  return value === undefined ? undefined : { value, isExclusive: false };
}

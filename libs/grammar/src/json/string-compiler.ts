import { GrammarInvalidError } from '@ringmesh/core';
import type { Budget } from '../machine/budget.js';
import type { MachineBuilder } from '../machine/machine-builder.js';
import { UNLIMITED } from '../machine/machine.js';
import { jsonStringSequences } from '../regex/byte-sequences.js';
import { ANY } from '../regex/code-points.js';
import { compilePattern, compileRegex } from '../regex/compile-regex.js';
import type { Dfa } from '../regex/dfa.js';
import { product, withLength } from '../regex/product.js';
import { ANYTHING, choice, set, text } from '../regex/regex.js';
import { STRING } from './base-rules.js';
import { ANNOTATING_FORMATS, FORMATS } from './formats.js';
import { quoted } from './quoted.js';
import type { SchemaNode } from './schema-node.js';

/** What a character of a name costs before an automaton is made of it, in steps. */
const NAME_STEPS = 10;

/** Rules of strings. Limits of length alone share the states of any string; a pattern or format becomes an automaton of its own. */
export class StringCompiler {
  private readonly known = new Map<string, number>();

  constructor(
    private readonly builder: MachineBuilder,
    private readonly budget: Budget,
  ) {}

  compile(node: SchemaNode): number {
    const [min = 0, max = UNLIMITED] = [node.count('minLength'), node.count('maxLength')];
    const pattern = node.text('pattern');
    const name = node.text('format');
    const format =
      name === undefined || ANNOTATING_FORMATS.has(name)
        ? undefined
        : (FORMATS.get(name) ?? node.fail('format', `"${name}" is not supported`));
    if (min > max) node.fail('maxLength', `${max} is less than "minLength"`);
    return this.once(JSON.stringify([min, max, pattern, format]), () => {
      if (pattern === undefined && format === undefined) return this.withLength(min, max);
      return this.builder.automaton(quoted(at(node, () => this.automaton({ pattern, format, min, max }))));
    });
  }

  /** Strings other than these. */
  except(names: readonly string[]): number {
    if (names.length === 0) return STRING;
    const key = JSON.stringify(names);
    return this.once(key, () => {
      this.budget.spend(NAME_STEPS * key.length);
      const all = compileRegex(ANYTHING, jsonStringSequences, this.budget)!;
      const excluded = compileRegex(choice(...names.map(text)), jsonStringSequences, this.budget)!;
      return this.builder.automaton(quoted(product(all, excluded, 'without', this.budget)!));
    });
  }

  private withLength(min: number, max: number): number {
    return min === 0 && max === UNLIMITED ? STRING : this.builder.rule(this.builder.startOf(STRING), min, max);
  }

  private automaton({
    pattern,
    format,
    min,
    max,
  }: {
    pattern?: string | undefined;
    format?: string | undefined;
    min: number;
    max: number;
  }): Dfa {
    const parts: (Dfa | undefined)[] = [];
    if (format !== undefined) parts.push(compilePattern(format, 'whole', jsonStringSequences, this.budget));
    if (pattern !== undefined) parts.push(compilePattern(pattern, 'part', jsonStringSequences, this.budget));
    let dfa = parts.reduce((a, b) => a && b && product(a, b, 'both', this.budget));
    if (dfa !== undefined && (min > 0 || max < UNLIMITED)) {
      const character = compileRegex(set(ANY), jsonStringSequences, this.budget)!;
      dfa = withLength(dfa, character, min, max === UNLIMITED ? Infinity : max, this.budget);
    }
    if (dfa === undefined) throw new GrammarInvalidError('"pattern", "format" and lengths leave no string');
    return dfa;
  }

  private once(key: string, make: () => number): number {
    let rule = this.known.get(key);
    if (rule === undefined) this.known.set(key, (rule = make()));
    return rule;
  }
}

/** Says where in the schema an expression is at fault. */
function at<T>(node: SchemaNode, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof GrammarInvalidError) throw new GrammarInvalidError(`${node.path}: ${error.message}`, { cause: error });
    throw error;
  }
}

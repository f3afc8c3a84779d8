import { describe, expect, it } from 'vitest';
import { compileGrammar } from '../compile-grammar.js';
import type { GrammarSource } from '../grammar-source.js';
import { Automaton } from './automaton.js';
import type { StateSet } from './state-set.js';

function follow(automaton: Automaton, text: string): StateSet | null {
  let set: StateSet | null = automaton.start();
  for (const byte of Buffer.from(text)) set = set && automaton.next(set, byte);
  return set;
}

function reachable(from: StateSet): number {
  const seen = new Set([from]);
  for (const set of seen) for (const next of set.next) if (next != null) seen.add(next);
  return seen.size;
}

const LONG: GrammarSource = { type: 'schema', schema: { type: 'string', minLength: 4_000, maxLength: 5_000 } };

describe('the sets of states that an automaton keeps', () => {
  it('are limited, whatever a text comes to', () => {
    const automaton = new Automaton(compileGrammar(LONG).machine, 10_000);
    const set = follow(automaton, `"${'a'.repeat(4_500)}`);
    expect(set?.canEnd).toBe(false);
    expect(reachable(automaton.start())).toBeLessThan(500);
    expect(reachable(set!)).toBeLessThan(500);
  });

  it('are the same after they were forgotten', () => {
    const [often, never] = [new Automaton(compileGrammar(LONG).machine, 0), new Automaton(compileGrammar(LONG).machine)];
    for (const length of [0, 3_999, 4_000, 5_000, 5_001]) {
      const text = `"${'é'.repeat(length)}"`;
      expect(follow(often, text)?.canEnd, String(length)).toBe(follow(never, text)?.canEnd);
    }
  });
});

describe('callers of one rule', () => {
  /** After "[" as many calls of the same rule as there are alternatives, each with another end. */
  const alternatives = (count: number): GrammarSource => ({
    type: 'schema',
    schema: {
      anyOf: Array.from({ length: count }, (_, index) => ({ prefixItems: [{ type: ['string', 'null'] }, { const: index }], minItems: 2 })),
    },
  });

  it('cost no more than there are of them', () => {
    const workOf = (count: number): number => {
      const automaton = new Automaton(compileGrammar(alternatives(count)).machine);
      expect(follow(automaton, '[null,7]')?.canEnd).toBe(true);
      expect(follow(automaton, `["",${count}`)).toBe(null);
      return automaton.work.done;
    };
    expect(workOf(400)).toBeLessThan(5 * workOf(100));
  });

  it('are told apart where they return', () => {
    const schema = {
      $defs: { list: { anyOf: [{ type: 'null' }, { prefixItems: [{ $ref: '#/$defs/list' }, { const: 1 }], minItems: 2 }] } },
      anyOf: [
        { prefixItems: [{ $ref: '#/$defs/list' }, { const: 2 }], minItems: 2 },
        { prefixItems: [{ $ref: '#/$defs/list' }, { const: 3 }, { const: 4 }], minItems: 3 },
        { $ref: '#/$defs/list' },
      ],
    };
    const automaton = new Automaton(compileGrammar({ type: 'schema', schema }).machine);
    const is = (text: string): boolean => follow(automaton, text)?.canEnd === true;
    for (const good of ['[null,2]', '[[null,1],2]', '[[[null,1],1],3,4]', '[[null,1],1]', 'null']) expect(is(good), good).toBe(true);
    for (const bad of ['[[null,2],2]', '[null,3]', '[[null,3,4],1]', '[null,2,4]', '[[null,1],1,4]']) expect(is(bad), bad).toBe(false);
  });
});

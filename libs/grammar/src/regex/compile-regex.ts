import { GrammarInvalidError } from '@ringmesh/core';
import type { Budget } from '../machine/budget.js';
import type { Encoding } from './byte-sequences.js';
import { determinize } from './determinize.js';
import type { Dfa } from './dfa.js';
import { buildNfa } from './nfa.js';
import { parseRegex } from './parse-regex.js';
import { product } from './product.js';
import { ANYTHING, choice, type Regex, sequence } from './regex.js';

type Lookahead = Extract<Regex, { type: 'lookahead' }>;

/** What reading a character of a pattern costs, in steps. */
const PARSE_STEPS = 25;

/** One of the alternatives of an expression: what its ends are tied to, and what is between them. */
interface Branch {
  atStart: boolean;
  atEnd: boolean;
  lookaheads: Lookahead[];
  body: Regex;
}

/**
 * The automaton of an expression.
 * @param scope `whole`: of the texts that it matches from end to end; `part`: that have a part that it matches, as JSON Schema's `pattern` means it
 * @throws GrammarInvalidError, GrammarTooComplexError
 */
export function compilePattern(pattern: string, scope: 'whole' | 'part', encoding: Encoding, budget: Budget): Dfa {
  budget.spend(PARSE_STEPS * pattern.length);
  const dfa = compile(parseRegex(pattern), scope, encoding, budget, pattern);
  if (dfa === undefined) throw new GrammarInvalidError(`the regular expression ${JSON.stringify(pattern)} matches no text`);
  return dfa;
}

/** @returns undefined where the regex matches nothing */
export function compileRegex(regex: Regex, encoding: Encoding, budget: Budget): Dfa | undefined {
  return determinize(buildNfa(regex, encoding, budget), budget);
}

function compile(regex: Regex, scope: 'whole' | 'part', encoding: Encoding, budget: Budget, pattern: string): Dfa | undefined {
  const branches = branchesOf(regex, pattern);
  const bodies = branches.map(({ atStart, atEnd, body }) => {
    return scope === 'whole' ? body : sequence(...(atStart ? [] : [ANYTHING]), body, ...(atEnd ? [] : [ANYTHING]));
  });
  let dfa = compileRegex(bodies.length === 1 ? bodies[0]! : choice(...bodies), encoding, budget);
  const tied = branches.find(({ lookaheads }) => lookaheads.length > 0);
  for (const lookahead of tied?.lookaheads ?? []) {
    if (branches.length > 1 || (scope === 'part' && !tied!.atStart)) refuse(pattern, 'a lookahead that is not right behind the only "^"');
    const ahead = compile(sequence({ type: 'anchor', at: 'start' }, lookahead.part), 'part', encoding, budget, pattern);
    if (dfa !== undefined && ahead !== undefined) dfa = product(dfa, ahead, lookahead.isNegative ? 'without' : 'both', budget);
    else if (!lookahead.isNegative) dfa = undefined;
  }
  return dfa;
}

/** Takes anchors and lookaheads off the ends. */
function branchesOf(regex: Regex, pattern: string): Branch[] {
  if (regex.type === 'choice') return regex.options.flatMap((option) => branchesOf(option, pattern));
  const parts = flat(regex);
  if (parts.length === 1 && parts[0]!.type === 'choice') return branchesOf(parts[0]!, pattern);
  const branch: Branch = { atStart: false, atEnd: false, lookaheads: [], body: regex };
  for (let [part] = parts; part?.type === 'anchor' || part?.type === 'lookahead'; [part] = parts) {
    if (part.type === 'lookahead') branch.lookaheads.push(part);
    else if (part.at === 'start') branch.atStart = true;
    else break;
    parts.shift();
  }
  for (let part = parts.at(-1); part?.type === 'anchor' && part.at === 'end'; part = parts.at(-1)) {
    branch.atEnd = true;
    parts.pop();
  }
  branch.body = sequence(...parts);
  checkBody(branch.body, pattern);
  return [branch];
}

/** A sequence without sequences in it. */
function flat(regex: Regex): Regex[] {
  return regex.type === 'sequence' ? regex.parts.flatMap(flat) : [regex];
}

function checkBody(regex: Regex, pattern: string): void {
  if (regex.type === 'anchor') refuse(pattern, '"^" or "$" inside of the expression');
  if (regex.type === 'lookahead') refuse(pattern, 'a lookahead that is not right behind the only "^"');
  if (regex.type === 'sequence') for (const part of regex.parts) checkBody(part, pattern);
  if (regex.type === 'choice') for (const option of regex.options) checkBody(option, pattern);
  if (regex.type === 'repeat') checkBody(regex.part, pattern);
}

function refuse(pattern: string, what: string): never {
  throw new GrammarInvalidError(`the regular expression ${JSON.stringify(pattern.slice(0, 80))} has ${what}, which is not supported`);
}

import { Budget } from '../machine/budget.js';
import { MachineBuilder } from '../machine/machine-builder.js';
import { utf8Sequences } from '../regex/byte-sequences.js';
import { compileRegex } from '../regex/compile-regex.js';
import { choice, DIGIT, optional, range, type Regex, repeat, sequence, text } from '../regex/regex.js';
import { writeArray } from './array-rule.js';
import { ARRAY, BLANK, BOOLEAN, INTEGER, NULL, NUMBER, OBJECT, STRING, THOUGHT, VALUE } from './base-rules.js';
import { BLANK_REGEX } from './blank.js';
import { compileNumber } from './number-rule.js';
import { writeObject } from './object-rule.js';
import { writeString } from './string-rule.js';
import { THINK_CLOSE } from '@ringmesh/tokenizer';
import { writeUntil } from '../thought.js';

const NONZERO = range('1', '9');
const MAX_INTEGER_DIGITS = 21;
const MAX_FRACTION_DIGITS = 25;

/** Numbers as JSON.stringify writes them, up to 10^308; none is read as Infinity. */
const ANY_NUMBER = sequence(
  optional(text('-')),
  choice(
    sequence(
      choice(text('0'), sequence(NONZERO, repeat(DIGIT, 0, MAX_INTEGER_DIGITS - 1))),
      optional(sequence(text('.'), repeat(DIGIT, 1, MAX_FRACTION_DIGITS))),
    ),
    sequence(
      NONZERO,
      optional(sequence(text('.'), repeat(DIGIT, 1, MAX_FRACTION_DIGITS))),
      choice(text('e'), text('E')),
      choice(
        sequence(text('-'), NONZERO, repeat(DIGIT, 0, 2)), // what is too small is read as 0
        sequence(optional(text('+')), NONZERO, optional(DIGIT)),
        sequence(optional(text('+')), range('1', '2'), DIGIT, DIGIT),
        sequence(optional(text('+')), text('30'), range('0', '7')),
      ),
    ),
  ),
);

/** The rules that every machine begins with, made once. */
export const BASE = buildBase();

function buildBase(): MachineBuilder {
  const budget = new Budget(Infinity);
  const builder = MachineBuilder.empty(budget);
  const regular = (regex: Regex): number => builder.automaton(compileRegex(regex, utf8Sequences, budget)!);
  expect(BLANK, regular(BLANK_REGEX));
  expect(STRING, builder.rule(writeString(builder)));
  expect(NUMBER, regular(ANY_NUMBER));
  expect(INTEGER, builder.automaton(compileNumber({ isInteger: true }, budget)!));
  expect(BOOLEAN, regular(choice(text('true'), text('false'))));
  expect(NULL, regular(text('null')));
  for (const rule of [OBJECT, ARRAY, VALUE]) expect(rule, builder.rule());
  builder.setStart(OBJECT, writeObject(builder, { properties: [], extra: { key: STRING, value: VALUE }, min: 0 }));
  builder.setStart(ARRAY, writeArray(builder, { prefix: [], rest: VALUE, min: 0, max: Infinity }));
  builder.choice([STRING, NUMBER, BOOLEAN, NULL, OBJECT, ARRAY], VALUE);
  expect(THOUGHT, builder.rule(writeUntil(builder, THINK_CLOSE)));
  return builder;
}

function expect(rule: number, made: number): void {
  if (rule !== made) throw new Error(`rule ${rule} of the base became ${made}`);
}

import type { MachineBuilder } from '../machine/machine-builder.js';
import { choice, repeat, sequence, text } from '../regex/regex.js';
import { BLANK } from './base-rules.js';

const MAX_SPACES = 32;
const MAX_TABS = 8;

/** One space, or a line break and an indentation: enough for any layout, and an end for models that would go on with blanks for ever. */
export const BLANK_REGEX = choice(
  text(' '),
  sequence(text('\n'), choice(repeat(text(' '), 0, MAX_SPACES), repeat(text('\t'), 1, MAX_TABS))),
);

/** A blank or none. @returns the state after it */
export function optionalBlank(builder: MachineBuilder, from: number): number {
  const to = builder.state();
  builder.skip(from, to);
  return builder.call(from, BLANK, to);
}

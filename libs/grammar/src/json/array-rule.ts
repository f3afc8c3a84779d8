import type { MachineBuilder } from '../machine/machine-builder.js';
import { StateFlag } from '../machine/machine.js';
import { optionalBlank } from './blank.js';

export interface ArrayParts {
  /** Rules of the first items. */
  prefix: readonly number[];
  /** The rule of all further items; undefined where there are none. */
  rest: number | undefined;
  /** The least number of items; the rule's counter has it, too. */
  min: number;
  max: number;
}

/** `[item, item]`; the counter counts items. @returns the start */
export function writeArray(builder: MachineBuilder, { prefix, rest, min, max }: ArrayParts): number {
  const start = builder.state();
  const open = builder.literal(start, '[');
  const closing = builder.state(StateFlag.NEEDS_MIN);
  builder.literal(optionalBlank(builder, closing), ']', builder.state(StateFlag.ACCEPTS));
  if (min === 0) builder.skip(open, closing);
  if (max === 0) return start;

  let before = optionalBlank(builder, open);
  for (const [index, rule] of prefix.entries()) {
    const done = builder.call(before, rule, builder.state(StateFlag.COUNTS));
    // No way to the end before the last item that must come: the states would seem to need none of what follows.
    if (index + 1 >= min) builder.skip(done, closing);
    if (rest === undefined && index === prefix.length - 1) return start;
    before = afterComma(builder, done);
  }
  if (rest === undefined) return start;
  const done = builder.call(before, rest, builder.state(StateFlag.COUNTS));
  builder.skip(done, closing);
  builder.skip(afterComma(builder, done), before);
  return start;
}

/** @returns the state in which the next item begins */
function afterComma(builder: MachineBuilder, done: number): number {
  return optionalBlank(builder, builder.literal(done, ',', builder.state(StateFlag.NEEDS_ROOM)));
}

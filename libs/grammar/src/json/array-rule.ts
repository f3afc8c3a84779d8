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
  const item = (rule: number, isLast: boolean): void => {
    const done = builder.call(before, rule, builder.state(StateFlag.COUNTS));
    builder.skip(done, closing);
    if (isLast) return;
    const comma = builder.literal(done, ',', builder.state(StateFlag.NEEDS_ROOM));
    const next = optionalBlank(builder, comma);
    if (rule === rest) builder.skip(next, before);
    else before = next;
  };
  for (const [index, rule] of prefix.entries()) item(rule, rest === undefined && index === prefix.length - 1);
  if (rest !== undefined) item(rest, false);
  return start;
}

import type { MachineBuilder } from '../machine/machine-builder.js';
import { StateFlag } from '../machine/machine.js';
import { optionalBlank } from './blank.js';

export interface ObjectParts {
  /** In the order in which they are written. */
  properties: readonly { name: string; rule: number; isRequired: boolean }[];
  /** The rules of further names and their values; undefined where there are none. */
  extra: { key: number; value: number } | undefined;
  /** The least number of properties, 0 or 1; the rule's counter has it, too. */
  min: number;
}

/** `{"name": value}`; the counter counts properties. @returns the start */
export function writeObject(builder: MachineBuilder, { properties, extra, min }: ObjectParts): number {
  const start = builder.state();
  const open = builder.literal(start, '{');
  const closing = builder.state(StateFlag.NEEDS_MIN);
  builder.literal(optionalBlank(builder, closing), '}', builder.state(StateFlag.ACCEPTS));

  const count = properties.length;
  // choose[i]: one of the properties from i on comes; written[i]: the one before i has come.
  const choose = Array.from({ length: count + 1 }, () => builder.state());
  const written = Array.from({ length: count + 1 }, () => builder.state(StateFlag.COUNTS));
  const firstRequired = properties.findLastIndex(({ isRequired }) => isRequired) + 1;
  builder.skip(optionalBlank(builder, open), choose[0]!);
  if (firstRequired === 0 && min === 0) builder.skip(open, closing);

  for (const [index, { name, rule, isRequired }] of properties.entries()) {
    writeValue(builder, builder.literal(choose[index]!, JSON.stringify(name)), rule, written[index + 1]!);
    if (!isRequired) builder.skip(choose[index]!, choose[index + 1]!);
  }
  if (extra !== undefined) writeValue(builder, builder.call(choose[count]!, extra.key), extra.value, written[count]!);
  for (const [index, state] of written.entries()) {
    if (index >= firstRequired) builder.skip(state, closing);
    if (index === count && extra === undefined) continue;
    const comma = builder.literal(state, ',', builder.state(StateFlag.NEEDS_ROOM));
    builder.skip(optionalBlank(builder, comma), choose[index]!);
  }
  return start;
}

function writeValue(builder: MachineBuilder, afterName: number, rule: number, to: number): void {
  builder.call(optionalBlank(builder, builder.literal(afterName, ':')), rule, to);
}

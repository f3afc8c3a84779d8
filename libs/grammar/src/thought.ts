import { THINK_OPEN } from '@ringmesh/tokenizer';
import type { ThoughtPlace } from './grammar-source.js';
import { THOUGHT } from './json/base-rules.js';
import type { MachineBuilder } from './machine/machine-builder.js';
import { StateFlag } from './machine/machine.js';

const MAX_LINE_BREAKS = 2;

/**
 * What comes before the text that a grammar is of: a thought, then the line breaks that models write after it.
 * @returns the state in which the text begins
 */
export function writeThought(builder: MachineBuilder, start: number, place: ThoughtPlace): number {
  if (place === 'none') return start;
  const text = builder.state();
  if (place === 'possible') builder.skip(start, text);
  let state = builder.call(place === 'possible' ? builder.literal(start, THINK_OPEN) : start, THOUGHT);
  for (let count = 0; count < MAX_LINE_BREAKS; count++) {
    builder.skip(state, text);
    state = builder.literal(state, '\n');
  }
  builder.skip(state, text);
  return text;
}

/** Any bytes up to the first closing tag, which is the end. A reply cannot end before it. @returns the start */
export function writeUntil(builder: MachineBuilder, tag: string): number {
  const bytes = [...Buffer.from(tag)];
  const states = bytes.map(() => builder.state(StateFlag.LEAF));
  const end = builder.state(StateFlag.LEAF | StateFlag.ACCEPTS);
  for (const [matched, state] of states.entries()) {
    for (let byte = 0; byte < 256; byte++) {
      builder.edge(state, byte, byte, [...states, end][longestBeginning(bytes, [...bytes.slice(0, matched), byte])]!);
    }
  }
  return states[0]!;
}

/** How many of the first bytes of the tag the text ends with. */
function longestBeginning(tag: readonly number[], text: readonly number[]): number {
  let length = Math.min(tag.length, text.length);
  while (!text.slice(text.length - length).every((byte, index) => byte === tag[index])) length--;
  return length;
}

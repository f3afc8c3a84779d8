import type { MachineBuilder } from '../machine/machine-builder.js';
import { StateFlag } from '../machine/machine.js';
import { utf8Sequences } from '../regex/byte-sequences.js';
import { ANY, complement, codePoints } from '../regex/code-points.js';

const { LEAF, ACCEPTS, COUNTS, NEEDS_ROOM, NEEDS_MIN } = StateFlag;
const byte = (character: string): number => character.charCodeAt(0);

/** What stands for itself in a JSON string. */
const PLAIN = complement(codePoints([0, 0x1f], [0x22, 0x22], [0x5c, 0x5c]));
const FIRST_OF_TWO = utf8Sequences(ANY).filter((sequence) => sequence.length > 1);

/**
 * Any JSON string: UTF-8 and all escapes, but no lone surrogates. Its counter counts characters; rules with limits share these states.
 * @returns the start
 */
export function writeString(builder: MachineBuilder): number {
  const start = builder.state(LEAF);
  const end = builder.state(LEAF | ACCEPTS | NEEDS_MIN);
  const body = builder.state(LEAF | COUNTS);
  const open = builder.state(LEAF);
  builder.edge(start, byte('"'), byte('"'), open);
  const escape = builder.state(LEAF | NEEDS_ROOM);
  writeEscapes(builder, escape, body);
  const leads = writeMultibyte(builder, body);
  for (const from of [open, body]) {
    builder.edge(from, byte('"'), byte('"'), end);
    builder.edge(from, byte('\\'), byte('\\'), escape);
    for (const [low, high] of PLAIN) if (low <= 0x7f) builder.edge(from, low, Math.min(high, 0x7f), body);
    for (const [low, high, target] of leads) builder.edge(from, low, high, target);
  }
  return start;
}

/** @returns an edge for each kind of first byte */
function writeMultibyte(builder: MachineBuilder, body: number): [low: number, high: number, target: number][] {
  return FIRST_OF_TWO.map((sequence) => {
    let target = body;
    for (const [low, high] of sequence.slice(1).reverse()) {
      const state = builder.state(LEAF | NEEDS_ROOM);
      builder.edge(state, low, high, target);
      target = state;
    }
    return [...sequence[0]!, target];
  });
}

function writeEscapes(builder: MachineBuilder, escape: number, body: number): void {
  for (const character of '"\\/bfnrt') builder.edge(escape, byte(character), byte(character), body);
  const hex = (from: number, digits: string, to = builder.state(LEAF | NEEDS_ROOM)): number => {
    for (const digit of digits) builder.edge(from, byte(digit), byte(digit), to);
    return to;
  };
  const ALL = '0123456789abcdefABCDEF';
  const point = hex(escape, 'u');
  const third = builder.state(LEAF | NEEDS_ROOM);
  hex(hex(point, '0123456789abcefABCEF'), ALL, third);
  const surrogate = hex(point, 'dD');
  hex(surrogate, '01234567', third);
  hex(hex(third, ALL), ALL, body);
  // The first half of a pair must be followed by the second one.
  const second = hex(hex(hex(surrogate, '89abAB'), ALL), ALL);
  hex(hex(hex(hex(hex(hex(second, '\\'), 'u'), 'dD'), 'cdefCDEF'), ALL), ALL, body);
}

import {
  ADD_WORDS,
  AND,
  AT_LEAST,
  AT_MOST,
  constant,
  Exponential,
  F32,
  floats,
  get,
  I32,
  increase,
  type KernelFunction,
  load,
  loadWord,
  loopWhileBelow,
  maskBy,
  MUL,
  onlyIf,
  set,
  shiftLeft,
  shiftRight,
  SIGNS,
  SPLAT,
  storeWord,
  SUB,
  V128,
  TO_INTEGERS,
  TO_DOUBLE,
  storeDouble,
  MIN,
  loadDouble,
  laneOf,
  floatLaneOf,
  ADD_DOUBLE,
} from '@ringmesh/kernels';
import { type LogitsLayout, NUM_STEPS, STEPS_PER_NAT, VECTOR_BYTES } from './logits-layout.js';

/**
 * `gather(low, high)`: `tokenIds` and `logits` of the tokens whose logits are from `low` to `high`, and how many bytes each of both lists has. Four
 * tokens of which none is wanted are passed over at once; of other fours each is written, and counted where it is wanted: no branch a token.
 */
export function gather(layout: LogitsLayout): KernelFunction {
  const [LOW, HIGH, AT, COUNT, TOKEN, WANTED, X, LEAST, MOST] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const write = (lane: number): number[] => [
    ...[...get(COUNT), ...get(TOKEN), ...constant(lane), ...ADD_WORDS, ...storeWord(layout.tokenIds)],
    ...[...get(COUNT), ...get(AT), ...loadWord(layout.row + lane * 4), ...storeWord(layout.logits)],
    ...[...get(COUNT), ...get(WANTED), ...shiftRight(lane), ...maskBy(4), ...ADD_WORDS, ...set(COUNT)],
  ];
  const body = [
    ...[...get(LOW), ...SPLAT, ...set(LEAST), ...get(HIGH), ...SPLAT, ...set(MOST)],
    ...loopWhileBelow(AT, constant(layout.rowBytes), [
      ...[...get(AT), ...load(layout.row), ...set(X)],
      ...[...get(X), ...get(LEAST), ...AT_LEAST, ...get(X), ...get(MOST), ...AT_MOST, ...AND, ...SIGNS, ...shiftLeft(2), ...set(WANTED)],
      ...onlyIf(get(WANTED), [0, 1, 2, 3].flatMap(write)),
      ...[...increase(AT, VECTOR_BYTES), ...increase(TOKEN, 4)],
    ]),
    ...[...constant(0), ...get(COUNT), ...storeWord(layout.gatheredBytes)],
  ];
  const locals: [number, number][] = [
    [4, I32],
    [3, V128],
  ];
  return { name: 'gather', parameters: [F32, F32], locals, body };
}

/** `fillBuckets(at, end, inverseTemperature)`: counts and masses of the logits from address `at` to `end`, relative to `largest`. */
export function fillBuckets(layout: LogitsLayout): KernelFunction {
  const [AT, END, INVERSE, PLACE, SCALE, LARGEST, STEPS, LAST, ZERO, NATS, WEIGHTS] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const exponential = new Exponential(11);
  const add = (lane: number): number[] => [
    ...[...get(STEPS), ...laneOf(lane), ...shiftLeft(2), ...set(PLACE)],
    ...[...get(PLACE), ...get(PLACE), ...loadWord(layout.counts), ...constant(1), ...ADD_WORDS, ...storeWord(layout.counts)],
    ...[...get(PLACE), ...shiftLeft(1), ...set(PLACE), ...get(PLACE), ...get(PLACE), ...loadDouble(layout.masses)],
    ...[...get(WEIGHTS), ...floatLaneOf(lane), ...TO_DOUBLE, ...ADD_DOUBLE, ...storeDouble(layout.masses)],
  ];
  const body = [
    ...exponential.prepare,
    ...[...get(INVERSE), ...SPLAT, ...set(SCALE), ...constant(0), ...load(layout.largest), ...set(LARGEST)],
    ...[...floats(NUM_STEPS), ...set(LAST), ...floats(0), ...set(ZERO)],
    ...loopWhileBelow(AT, get(END), [
      ...[...get(LARGEST), ...get(AT), ...load(0), ...SUB, ...get(SCALE), ...MUL, ...set(NATS)],
      ...[...get(NATS), ...floats(STEPS_PER_NAT), ...MUL, ...get(LAST), ...MIN, ...TO_INTEGERS, ...set(STEPS)],
      ...[...get(ZERO), ...get(NATS), ...SUB, ...exponential.of(), ...set(WEIGHTS)],
      ...[...[0, 1, 2, 3].flatMap(add), ...increase(AT, VECTOR_BYTES)],
    ]),
  ];
  const locals: [number, number][] = [
    [1, I32],
    [exponential.numLocals + 7, V128],
  ];
  return { name: 'fillBuckets', parameters: [I32, I32, F32], locals, body };
}

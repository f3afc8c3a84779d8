import {
  ADD,
  ADD_DOUBLES,
  AND,
  assemble,
  constant,
  EQUAL_INTEGERS,
  Exponential,
  floats,
  get,
  I32,
  increase,
  integers,
  type KernelFunction,
  load,
  loopWhileBelow,
  MAX,
  MUL,
  pick,
  SELECT,
  set,
  splatFrom,
  store,
  SUB,
  TO_DOUBLES,
  V128,
} from '@ringmesh/kernels';
import { fillBuckets, gather } from './bucket-kernel.js';
import { type LogitsLayout, VECTOR_BYTES, WORD_TOKENS } from './logits-layout.js';

/** `survey()`: `largest` and `taint` of the logits, eight at a time. */
function survey(layout: LogitsLayout): KernelFunction {
  const [AT, ZERO, X, LARGEST, TAINT] = [0, 1, 2, 3, 5];
  const vector = (index: number): number[] => [
    ...[...get(AT), ...load(layout.row + index * VECTOR_BYTES), ...set(X)],
    ...[...get(LARGEST + index), ...get(X), ...MAX, ...set(LARGEST + index)],
    ...[...get(TAINT + index), ...get(X), ...get(ZERO), ...MUL, ...ADD, ...set(TAINT + index)], // x · 0 is NaN for NaN and ±∞
  ];
  const spread = (...lanes: [number, number, number, number]): number[] => [
    ...[...get(LARGEST), ...get(LARGEST), ...get(LARGEST), ...pick(...lanes), ...MAX, ...set(LARGEST)],
  ];
  const body = [
    ...[...floats(0), ...set(ZERO), ...get(AT), ...load(layout.row), ...set(LARGEST), ...get(LARGEST), ...set(LARGEST + 1)],
    ...loopWhileBelow(AT, constant(layout.rowBytes), [...vector(0), ...vector(1), ...increase(AT, 2 * VECTOR_BYTES)]),
    ...[...get(LARGEST), ...get(LARGEST + 1), ...MAX, ...set(LARGEST), ...spread(2, 3, 0, 1), ...spread(1, 0, 3, 2)],
    ...[...constant(0), ...get(LARGEST), ...store(layout.largest)],
    ...[...constant(0), ...get(TAINT), ...get(TAINT + 1), ...ADD, ...store(layout.taint)],
  ];
  const locals: [number, number][] = [
    [1, I32],
    [6, V128],
  ];
  return { name: 'survey', parameters: [], locals, body };
}

/** `sumExponentials()`: `sums` of exp(logit − largest). As floats so many numbers would add up to a sum that is wrong in the fifth digit. */
function sumExponentials(layout: LogitsLayout): KernelFunction {
  const [AT, LARGEST, P, SUM] = [0, 1, 2, 3];
  const exponential = new Exponential(5);
  const addTo = (sum: number, pair: number[]): number[] => [...get(sum), ...pair, ...TO_DOUBLES, ...ADD_DOUBLES, ...set(sum)];
  const body = [
    ...exponential.prepare,
    ...[...constant(0), ...load(layout.largest), ...set(LARGEST)],
    ...loopWhileBelow(AT, constant(layout.rowBytes), [
      ...[...get(AT), ...load(layout.row), ...get(LARGEST), ...SUB, ...exponential.of(), ...set(P)],
      ...[...addTo(SUM, get(P)), ...addTo(SUM + 1, [...get(P), ...get(P), ...pick(2, 3, 2, 3)])],
      ...increase(AT, VECTOR_BYTES),
    ]),
    ...[...constant(0), ...get(SUM), ...get(SUM + 1), ...ADD_DOUBLES, ...store(layout.sums)],
  ];
  const locals: [number, number][] = [
    [1, I32],
    [exponential.numLocals + 4, V128],
  ];
  return { name: 'sumExponentials', parameters: [], locals, body };
}

/** `forbidOthers()`: −∞ for the tokens whose bits are not set. */
function forbidOthers(layout: LogitsLayout): KernelFunction {
  const [AT, TOKEN, WORD, FORBIDDEN, BITS] = [0, 1, 2, 3, 4];
  const numVectors = WORD_TOKENS / 4;
  const vectors = Array.from({ length: numVectors }, (_, index) => index);
  const bitsOf = (vector: number): number[] =>
    integers(...([0, 1, 2, 3].map((lane) => 1 << (vector * 4 + lane)) as [number, number, number, number]));
  const vector = (index: number): number[] => {
    const address = layout.row + index * VECTOR_BYTES;
    const isAllowed = [...get(WORD), ...get(BITS + index), ...AND, ...get(BITS + index), ...EQUAL_INTEGERS];
    return [...get(TOKEN), ...get(TOKEN), ...load(address), ...get(FORBIDDEN), ...isAllowed, ...SELECT, ...store(address)];
  };
  const body = [
    ...[...floats(-Infinity), ...set(FORBIDDEN), ...vectors.flatMap((index) => [...bitsOf(index), ...set(BITS + index)])],
    ...loopWhileBelow(AT, constant(layout.bitsBytes), [
      ...[...get(AT), ...splatFrom(layout.bits), ...set(WORD), ...vectors.flatMap(vector)],
      ...[...increase(AT, 4), ...increase(TOKEN, WORD_TOKENS * 4)],
    ]),
  ];
  const locals: [number, number][] = [
    [2, I32],
    [2 + numVectors, V128],
  ];
  return { name: 'forbidOthers', parameters: [], locals, body };
}

export function logitsKernel(layout: LogitsLayout): WebAssembly.Module {
  const functions = [survey(layout), sumExponentials(layout), forbidOthers(layout), gather(layout), fillBuckets(layout)];
  return assemble(functions, [{ name: 'memory', pages: layout.pages }]);
}

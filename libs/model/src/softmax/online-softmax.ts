import {
  ADD,
  ANY,
  bothHalves,
  constant,
  DIV,
  Exponential,
  floats,
  get,
  I32,
  increase,
  type KernelFunction,
  load,
  loopWhileBelow,
  MUL,
  NOT_EQUAL,
  onlyIf,
  pick,
  set,
  store,
  SUB,
  V128,
} from '@ringmesh/kernels';
import type { DecodeKernel } from './decode-attention.js';
import { QUERY_INDICES, SCORE_BYTES, type SoftmaxLayout } from './softmax-kernel.js';

/** A score that adds nothing to a sum of 1 and more. */
const LITTLE = -1e30;

/**
 * The softmax of scores that come some blocks at a time, in one pass over keys and values: weights are relative to the largest score so far, and what
 * was summed up is scaled down when a larger one comes (M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", 2018; T. Dao et
 * al., FlashAttention, 2022).
 *
 * `score` each block, then `rescale` and `exponentiate`, then `accumulate` each block; at the end, `finish`.
 */
export function onlineSoftmax({ layout, score, accumulate }: DecodeKernel): KernelFunction[] {
  return [score, rescale(layout), exponentiate(layout), accumulate, finish(layout)];
}

/** `rescale()`: takes the largest of the new scores into account. */
function rescale(layout: SoftmaxLayout): KernelFunction {
  const { largest, largestScored, sums } = layout;
  const [AT, OLD, NEW, FACTOR] = [0, 1, 2, 3];
  const exponential = new Exponential(4);
  const scaleDown = [
    ...exponential.prepare,
    ...[...get(OLD), ...get(NEW), ...SUB, ...exponential.of(), ...set(FACTOR)],
    ...[...constant(0), ...get(NEW), ...store(largest)],
    ...bothHalves((half) => [
      ...constant(0),
      ...constant(0),
      ...load(sums + half * 16),
      ...get(FACTOR),
      ...MUL,
      ...store(sums + half * 16),
    ]),
    ...timesRows(layout, AT, FACTOR),
  ];
  const body = [
    ...[...constant(0), ...load(largest), ...set(OLD)],
    ...[...constant(0), ...load(largestScored), ...set(NEW)],
    ...onlyIf([...get(OLD), ...get(NEW), ...NOT_EQUAL, ...ANY], scaleDown),
  ];
  const locals: [number, number][] = [
    [1, I32],
    [exponential.numLocals + 3, V128],
  ];
  return { name: 'rescale', parameters: [], locals, body };
}

/**
 * `exponentiate(end)`: scores = exp(score − largest), which `sums` takes, two tokens at a time; the one after the last, that an even number may need,
 * is zero.
 */
function exponentiate({ scores, largest, sums }: SoftmaxLayout): KernelFunction {
  const [END, AT, LARGEST, SUMS, P] = [0, 1, 2, 3, 5];
  const exponential = new Exponential(7, 2);
  const twoTokens = [
    ...bothHalves((half) => [
      ...get(AT),
      ...load(scores + half * SCORE_BYTES),
      ...get(LARGEST),
      ...SUB,
      ...exponential.of(half),
      ...set(P + half),
    ]),
    ...bothHalves((half) => [...get(AT), ...get(P + half), ...store(scores + half * SCORE_BYTES)]),
    ...bothHalves((half) => [...get(SUMS + half), ...get(P + half), ...ADD, ...set(SUMS + half)]),
    ...increase(AT, 2 * SCORE_BYTES),
  ];
  const body = [
    ...exponential.prepare,
    ...[...constant(0), ...load(largest), ...set(LARGEST)],
    ...bothHalves((half) => [...constant(0), ...load(sums + half * 16), ...set(SUMS + half)]),
    ...[...get(END), ...floats(LITTLE), ...store(scores)],
    ...loopWhileBelow(AT, get(END), twoTokens),
    ...bothHalves((half) => [...constant(0), ...get(SUMS + half), ...store(sums + half * 16)]),
    ...[...get(END), ...floats(0), ...store(scores)],
  ];
  const locals: [number, number][] = [
    [1, I32],
    [exponential.numLocals + 5, V128],
  ];
  return { name: 'exponentiate', parameters: [I32], locals, body };
}

/** `finish()`: divides by the weights' sum. */
function finish(layout: SoftmaxLayout): KernelFunction {
  const [AT, SCALES] = [0, 1];
  const sum = [...constant(0), ...load(layout.sums), ...constant(0), ...load(layout.sums + 16), ...ADD];
  const body = [...[...floats(1), ...sum, ...DIV, ...set(SCALES)], ...timesRows(layout, AT, SCALES)];
  const locals: [number, number][] = [
    [1, I32],
    [1, V128],
  ];
  return { name: 'finish', parameters: [], locals, body };
}

/** Each query's row of outputs [W] times its number in the vector `factors`. @param at a local that is 0 */
function timesRows({ outputs, outputWidth }: SoftmaxLayout, at: number, factors: number): number[] {
  const row = outputWidth * 4;
  const scaled = (query: number): number[] => {
    const factor = [...get(factors), ...get(factors), ...pick(query, query, query, query)];
    const address = outputs + query * row;
    return [...get(at), ...get(at), ...load(address), ...factor, ...MUL, ...store(address)];
  };
  return loopWhileBelow(at, constant(row), [...QUERY_INDICES.flatMap(scaled), ...increase(at, 16)]);
}

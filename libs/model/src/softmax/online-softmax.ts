import {
  ADD,
  ANY,
  call,
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
  MAX,
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

/**
 * The softmax of scores that come block by block, in one pass over keys and values: weights are relative to the largest score so far, and what was
 * summed up is scaled down when a larger one comes (M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", 2018; T. Dao et
 * al., FlashAttention, 2022).
 *
 * `attend(end, evenEnd, keys, keyScales, values, valueScales)` adds a block; `finish()` divides by the weights' sum.
 */
export function onlineSoftmax({ layout, score, accumulate }: DecodeKernel): KernelFunction[] {
  const [END, EVEN_END, KEYS, KEY_SCALES, VALUES, VALUE_SCALES] = [0, 1, 2, 3, 4, 5];
  const body = [
    ...[...get(EVEN_END), ...get(KEYS), ...get(KEY_SCALES), ...call(0)],
    ...call(1),
    ...[...get(END), ...call(2)],
    ...[...get(EVEN_END), ...get(VALUES), ...get(VALUE_SCALES), ...call(3)],
  ];
  const attend = { name: 'attend', parameters: [I32, I32, I32, I32, I32, I32], locals: [], body };
  return [score, rescale(layout), exponentiate(layout), accumulate, attend, finish(layout)];
}

/** `rescale()`: takes the block's largest score into account. */
function rescale(layout: SoftmaxLayout): KernelFunction {
  const { largest, blockLargest, sums } = layout;
  const [AT, OLD, NEW, FACTOR] = [0, 1, 2, 3];
  const exponential = new Exponential(4);
  const scaleDown = [
    ...exponential.prepare,
    ...[...get(OLD), ...get(NEW), ...SUB, ...exponential.of, ...set(FACTOR)],
    ...[...constant(0), ...get(NEW), ...store(largest)],
    ...[...constant(0), ...constant(0), ...load(sums), ...get(FACTOR), ...MUL, ...store(sums)],
    ...timesRows(layout, AT, FACTOR),
  ];
  const body = [
    ...[...constant(0), ...load(largest), ...set(OLD)],
    ...[...get(OLD), ...constant(0), ...load(blockLargest), ...MAX, ...set(NEW)],
    ...onlyIf([...get(OLD), ...get(NEW), ...NOT_EQUAL, ...ANY], scaleDown),
  ];
  const locals: [number, number][] = [
    [1, I32],
    [exponential.numLocals + 3, V128],
  ];
  return { name: 'rescale', parameters: [], locals, body };
}

/** `exponentiate(end)`: scores = exp(score − largest), which `sums` takes; the one after the last, that an even number may need, is zero. */
function exponentiate({ scores, largest, sums }: SoftmaxLayout): KernelFunction {
  const [END, AT, LARGEST, SUM, P] = [0, 1, 2, 3, 4];
  const exponential = new Exponential(5);
  const token = [
    ...[...get(AT), ...load(scores), ...get(LARGEST), ...SUB, ...exponential.of, ...set(P)],
    ...[...get(AT), ...get(P), ...store(scores)],
    ...[...get(SUM), ...get(P), ...ADD, ...set(SUM)],
    ...increase(AT, SCORE_BYTES),
  ];
  const body = [
    ...exponential.prepare,
    ...[...constant(0), ...load(largest), ...set(LARGEST), ...constant(0), ...load(sums), ...set(SUM)],
    ...loopWhileBelow(AT, get(END), token),
    ...[...constant(0), ...get(SUM), ...store(sums)],
    ...[...get(AT), ...floats(0), ...store(scores)],
  ];
  const locals: [number, number][] = [
    [1, I32],
    [exponential.numLocals + 3, V128],
  ];
  return { name: 'exponentiate', parameters: [I32], locals, body };
}

/** `finish()`: outputs /= sums. */
function finish(layout: SoftmaxLayout): KernelFunction {
  const [AT, SCALES] = [0, 1];
  const body = [...[...floats(1), ...constant(0), ...load(layout.sums), ...DIV, ...set(SCALES)], ...timesRows(layout, AT, SCALES)];
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

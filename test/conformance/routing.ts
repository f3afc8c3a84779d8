import type { Dispatcher } from '@ringmesh/dispatch';
import { type TinyExperts, type TinyExpertsShape, uniform } from '@ringmesh/testing';

/** What attention and gate give the dispatcher for one layer. */
export interface Routing {
  layer: number;
  numTokens: number;
  hidden: Float32Array; // [T, H]
  ids: BigInt64Array; // [T, k]
  weights: Float32Array; // [T, k]
}

/** Random hidden states, and k different experts with random weights for each token. */
export function randomRouting(
  sizes: TinyExpertsShape,
  { seed, layer, numTokens }: { seed: number; layer: number; numTokens: number },
): Routing {
  const random = uniform(seed);
  const k = sizes.numExpertsPerToken;
  const ids = new BigInt64Array(numTokens * k); // [T, k]
  for (let token = 0; token < numTokens; token++) {
    const order = Array.from({ length: sizes.numExperts }, (_, expert) => ({ expert, key: random() })).sort((a, b) => a.key - b.key);
    for (let i = 0; i < k; i++) ids[token * k + i] = BigInt(order[i]!.expert);
  }
  return {
    layer,
    numTokens,
    hidden: Float32Array.from({ length: numTokens * sizes.hiddenSize }, random),
    ids,
    weights: Float32Array.from({ length: numTokens * k }, () => (1 + random()) / 2),
  };
}

/** Dispatches one micro-batch and combines it into zeros. @returns [T, H] */
export function combineOne(dispatcher: Dispatcher, { layer, numTokens, hidden, ids, weights }: Routing): Float32Array {
  const output = new Float32Array(hidden.length);
  dispatcher.dispatch(0, layer, hidden, ids, weights, numTokens);
  dispatcher.combine(0, output);
  return output;
}

/** The same in plain float64: for each token, Σ weight × expert(row). @returns [T, H] */
export function naiveCombine(experts: TinyExperts, { layer, numTokens, hidden, ids, weights }: Routing): Float64Array {
  const H = hidden.length / numTokens;
  const k = ids.length / numTokens;
  const output = new Float64Array(hidden.length);
  for (let token = 0; token < numTokens; token++) {
    const row = hidden.subarray(token * H, (token + 1) * H);
    for (let i = token * k; i < (token + 1) * k; i++) {
      experts.expert(layer, Number(ids[i]), row).forEach((value, h) => (output[token * H + h]! += weights[i]! * value));
    }
  }
  return output;
}

import { describe, expect, it } from 'vitest';
import { Decays, logDecays } from './decay.js';
import { CHUNK_TOKENS, LinearCore } from './linear-core.js';

interface Shape {
  numHeads: number;
  numKeyValueHeads: number;
  headDim: number;
}

/** Numbers of −1 to 1 that only look random. */
function noise(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => ((Math.imul(i + 1, 0x9e37_79b1) ^ Math.imul(seed, 0x85eb_ca6b)) | 0) / 2 ** 31);
}

/** S = decay · S + k vᵀ; o = D^−0.5 · qᵀ S, in double precision, as it is written down. Changes `state`. */
function recurrence(
  { numHeads, numKeyValueHeads, headDim }: Shape,
  projected: Float32Array,
  logs: number[],
  state: Float64Array,
): Float64Array {
  const width = (numHeads + 2 * numKeyValueHeads) * headDim;
  const numTokens = projected.length / width;
  const output = new Float64Array(numTokens * numHeads * headDim);
  for (let token = 0; token < numTokens; token++) {
    for (let head = 0; head < numHeads; head++) {
      const query = token * width + head * headDim;
      const key = token * width + (numHeads + Math.floor((head * numKeyValueHeads) / numHeads)) * headDim;
      const value = key + numKeyValueHeads * headDim;
      for (let i = 0; i < headDim; i++) {
        for (let j = 0; j < headDim; j++) {
          const s = (head * headDim + i) * headDim + j;
          state[s] = Math.exp(logs[head]!) * state[s]! + projected[key + i]! * projected[value + j]!;
          output[(token * numHeads + head) * headDim + j]! += (projected[query + i]! * state[s]) / Math.sqrt(headDim);
        }
      }
    }
  }
  return output;
}

function largestError(values: Float32Array, expected: Float64Array): number {
  return values.reduce((max, value, i) => Math.max(max, Math.abs(value - expected[i]!)), 0);
}

/** Feeds tokens in pieces of these lengths, from a state that is not zero. */
function runInPieces(core: LinearCore, decays: Decays, projected: Float32Array, lengths: number[], first: Float32Array, oneByOne = false) {
  const { numHeads, numKeyValueHeads, headDim } = core.shape;
  const width = (numHeads + 2 * numKeyValueHeads) * headDim;
  const attention: number[] = [];
  let state = first;
  let start = 0;
  for (const length of lengths) {
    const next = Array.from({ length: oneByOne ? length : 1 }, () => new Float32Array(state.length));
    const before = state.slice();
    attention.push(...core.run(projected.subarray(start * width, (start + length) * width), length, decays, state, next));
    expect(state).toEqual(before);
    state = next.at(-1)!;
    start += length;
  }
  return { attention: Float32Array.from(attention), state };
}

describe('LinearCore', () => {
  const shapes: Shape[] = [
    { numHeads: 4, numKeyValueHeads: 4, headDim: 16 },
    { numHeads: 6, numKeyValueHeads: 2, headDim: 10 },
  ];
  const lengths: number[][] = [
    [1, 1, 1],
    [5, 1, 3],
    [2],
    [CHUNK_TOKENS],
    [CHUNK_TOKENS + 1, 1, 1, 7],
    [3, 1, 2 * CHUNK_TOKENS + 30, CHUNK_TOKENS, 1],
  ];
  it.each(shapes.flatMap((shape) => lengths.map((pieces) => [shape, pieces] as const)))('is the recurrence: %j in %j', (shape, pieces) => {
    const core = new LinearCore(shape);
    const logs = logDecays({ numAttentionHeads: shape.numHeads, numLayers: 3 }, 1);
    const total = pieces.reduce((sum, length) => sum + length, 0);
    const projected = noise(total * (shape.numHeads + 2 * shape.numKeyValueHeads) * shape.headDim, 1);
    const first = noise(shape.numHeads * shape.headDim ** 2, 2);
    const expectedState = Float64Array.from(first);
    const expected = recurrence(shape, projected, logs, expectedState);
    const { attention, state } = runInPieces(core, new Decays(logs), projected, pieces, first, total < 10);
    core.close();
    expect(attention).toHaveLength(expected.length);
    expect(largestError(attention, expected)).toBeLessThan(1e-5);
    expect(largestError(state, expectedState)).toBeLessThan(2e-5);
  });
});

describe('logDecays', () => {
  it("are ALiBi's slopes, smaller in later layers", () => {
    const slopes = logDecays({ numAttentionHeads: 4, numLayers: 5 }, 0).map((log) => -log / (1 + 1e-5));
    for (const [head, slope] of [2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8].entries()) expect(slopes[head]).toBeCloseTo(slope, 12);
    expect(logDecays({ numAttentionHeads: 4, numLayers: 5 }, 4)[0]).toBeCloseTo(-0.25e-5, 12);
  });

  it('interleave two powers where the number of heads is none', () => {
    const slopes = logDecays({ numAttentionHeads: 6, numLayers: 2 }, 0).map((log) => -log / (1 + 1e-5));
    for (const [head, slope] of [2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8, 2 ** -1, 2 ** -3].entries())
      expect(slopes[head]).toBeCloseTo(slope, 12);
  });

  it('keeps what is not a number in one sequence from the next, which a state padded for the kernel might not', () => {
    const shape = { numHeads: 1, numKeyValueHeads: 1, headDim: 10 };
    const core = new LinearCore(shape);
    const decays = new Decays([-0.1]);
    const run = (projected: Float32Array): Float32Array => core.run(projected, 1, decays, new Float32Array(100), [new Float32Array(100)]);
    const expected = run(noise(30, 1));
    run(new Float32Array(30).fill(NaN));
    expect(run(noise(30, 1))).toEqual(expected);
    core.close();
  });
});

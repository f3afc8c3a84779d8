import { EngineFailedError, NoTokenAllowedError } from '@ringmesh/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uniform } from './philox.js';
import { AllowedTokens } from './processors/allowed-tokens.js';
import { BadWords } from './processors/bad-words.js';
import { tokenBits } from './processors/token-bits.js';
import { Sampler } from './sampler.js';
import type { SamplingParams } from './sampling-params.js';

const PLAIN: SamplingParams = { temperature: 1, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };

/** A sampler costs a WebAssembly module, and has no state: one for each size will do. */
const samplers = new Map<number, Sampler>();
function samplerOf(vocabSize: number): Sampler {
  const sampler = samplers.get(vocabSize) ?? new Sampler(vocabSize);
  samplers.set(vocabSize, sampler);
  return sampler;
}

function allowing(tokenIds: number[], vocabSize: number): AllowedTokens {
  return new AllowedTokens(tokenBits(tokenIds, vocabSize));
}

/** Token ids, best first. */
function rankOrder(logits: Float32Array): number[] {
  return [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
}

/** What a draw means, the long way: sort everything, cut, walk. */
function referenceDraw(logits: Float32Array, params: SamplingParams, random: number): number {
  const ids = rankOrder(logits);
  const weights = ids.map((id) => Math.exp((logits[id]! - logits[ids[0]!]!) / params.temperature));
  const cumulative = (count: number): number => weights.slice(0, count).reduce((sum, weight) => sum + weight, 0);
  let kept = weights.filter((weight) => weight >= params.minP * (1 - 1e-12)).length;
  if (params.topK > 0) kept = Math.min(kept, params.topK);
  const nucleus = params.topP * cumulative(kept);
  while (kept > 1 && cumulative(kept - 1) >= nucleus) kept--;
  const target = random * cumulative(kept);
  return ids.find((_, rank) => cumulative(rank + 1) >= target)!;
}

describe('Sampler', () => {
  it('draws the same token as sorting everything would', () => {
    // Multiples of 1/1024, so that ties are common and no difference is lost in rounding.
    const logit = fc
      .oneof(fc.integer({ min: -30_000, max: 30_000 }), fc.integer({ min: 0, max: 20 }), fc.constant(-1e7))
      .map((n) => n / 1024);
    const params = fc.record({
      temperature: fc.constantFrom(0.01, 0.3, 0.7, 1, 2, 50),
      topP: fc.constantFrom(0.01, 0.3, 0.8, 0.95, 1),
      topK: fc.constantFrom(0, 1, 2, 5, 20, 1000),
      minP: fc.constantFrom(0, 0.001, 0.1, 0.5, 1),
      seed: fc.constant(0),
      logprobs: fc.constant(-1),
    });
    fc.assert(
      fc.property(fc.array(logit, { minLength: 1, maxLength: 60 }), params, fc.maxSafeInteger(), (values, sampling, seed) => {
        const logits = Float32Array.from(values);
        const random = uniform(seed, 0);
        const { tokenId } = samplerOf(logits.length).sample(logits, sampling, random);
        expect(tokenId).toBe(referenceDraw(logits, sampling, random));
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  it('draws under a mask as if there were no other tokens', () => {
    const params = fc.record({
      temperature: fc.constantFrom(0, 0.3, 1, 50),
      topP: fc.constantFrom(0.3, 1),
      topK: fc.constantFrom(0, 1, 3),
      minP: fc.constantFrom(0, 0.1),
      seed: fc.constant(0),
      logprobs: fc.constant(-1),
    });
    const row = fc.array(fc.tuple(fc.integer({ min: -3000, max: 3000 }), fc.boolean()), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(row, params, fc.maxSafeInteger(), (tokens, sampling, seed) => {
        const allowed = tokens.flatMap(([, isAllowed], id) => (isAllowed ? [id] : []));
        fc.pre(allowed.length > 0);
        const logits = Float32Array.from(tokens, ([logit]) => logit / 100);
        const random = uniform(seed, 0);
        const { tokenId } = samplerOf(logits.length).sample(logits, sampling, random, [allowing(allowed, logits.length)]);
        const alone = Float32Array.from(allowed, (id) => logits[id]!);
        expect(tokenId).toBe(allowed[samplerOf(allowed.length).sample(alone, sampling, random).tokenId]);
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  it('tells the log probability of a masked token without the mask', () => {
    const logits = Float32Array.from([0, 1]);
    const { tokenId, logprob } = new Sampler(2).sample(logits, { ...PLAIN, logprobs: 0 }, 0.9, [allowing([0], 2)]);
    expect(tokenId).toBe(0);
    expect(logprob).toBeCloseTo(-Math.log(1 + Math.exp(1)), 6);
  });

  it('goes on with any logits after a mask', () => {
    const sampler = samplerOf(33);
    const logits = Float32Array.from({ length: 33 }, (_, id) => -id);
    expect(sampler.sample(logits, { ...PLAIN, temperature: 0 }, 0, [allowing([32], 33)]).tokenId).toBe(32);
    expect(sampler.sample(logits, { ...PLAIN, temperature: 0 }, 0, [allowing([7, 32], 33)]).tokenId).toBe(7);
    expect(sampler.sample(logits, { ...PLAIN, temperature: 0 }, 0).tokenId).toBe(0);
    const all = Array.from({ length: 33 }, (_, id) => [id]);
    expect(() => sampler.sample(logits, PLAIN, 0.5, [new BadWords(all)])).toThrow(NoTokenAllowedError);
  });

  it('refuses a mask that leaves nothing', () => {
    const sample = (): unknown => new Sampler(2).sample(Float32Array.from([0, 1]), PLAIN, 0.5, [allowing([], 2)]);
    expect(sample).toThrow(NoTokenAllowedError);
  });

  it('keeps no state from one step to the next', () => {
    const sampler = new Sampler(50);
    const steps = Array.from({ length: 20 }, (_, step) => Float32Array.from({ length: 50 }, (_, id) => 10 * uniform(step, id)));
    const tokens = steps.map((logits, step) => sampler.sample(logits, { ...PLAIN, topP: 0.9 }, uniform(1, step)));
    const again = steps.map((logits, step) => new Sampler(50).sample(logits, { ...PLAIN, topP: 0.9 }, uniform(1, step)));
    expect(tokens).toEqual(again);
  });

  it.each([
    { name: 'plain', params: {}, kept: 8 },
    { name: 'temperature 0.5', params: { temperature: 0.5 }, kept: 8 },
    { name: 'top_k 3', params: { topK: 3 }, kept: 3 },
    { name: 'top_p 0.9', params: { topP: 0.9 }, kept: 5 },
    { name: 'min_p 0.2', params: { minP: 0.2 }, kept: 3 },
  ])('draws each kept token as often as its probability says: $name', ({ params, kept }) => {
    const sampling = { ...PLAIN, ...params };
    const logits = Float32Array.from([0, 1.5, -0.5, 2, 0.25, -0.25, 1, -0.75]);
    const expected = rankOrder(logits).slice(0, kept);
    const weights = expected.map((id) => Math.exp(logits[id]! / sampling.temperature));
    const total = weights.reduce((sum, weight) => sum + weight);
    const counts = new Array<number>(logits.length).fill(0);
    const sampler = new Sampler(logits.length);
    const draws = 5_000;
    for (let index = 0; index < draws; index++) counts[sampler.sample(logits, sampling, uniform(42, index)).tokenId]!++;
    expect(counts.filter((count) => count > 0)).toHaveLength(kept);
    const chiSquare = expected.reduce((sum, id, rank) => {
      const mean = (draws * weights[rank]!) / total;
      return sum + (counts[id]! - mean) ** 2 / mean;
    }, 0);
    expect(chiSquare).toBeLessThan(26.1); // p = 0.0003 or less at 7 degrees of freedom or fewer
  });

  it('takes the lowest id among equals when greedy, and for top_k 1 at any temperature', () => {
    const logits = Float32Array.from([1, 5, 3, 5, 5]);
    const sampler = new Sampler(logits.length);
    expect(sampler.sample(logits, { ...PLAIN, temperature: 0 }, 0.9).tokenId).toBe(1);
    expect(sampler.sample(logits, { ...PLAIN, temperature: 9, topK: 1 }, 0.999).tokenId).toBe(1);
  });

  it('reports log probabilities of the raw logits, whatever was cut', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -40, max: 40, noNaN: true }), { minLength: 25, maxLength: 80 }), (values) => {
        const logits = Float32Array.from(values);
        const sampling = { ...PLAIN, temperature: 0.3, topK: 2, logprobs: 20 };
        const { tokenId, logprob, topLogprobs } = samplerOf(logits.length).sample(logits, sampling, 0.7);
        const normalizer = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
        expect(logprob).toBeCloseTo(logits[tokenId]! - normalizer, 6);
        expect(topLogprobs!.map((top) => top.tokenId)).toEqual(rankOrder(logits).slice(0, 20));
        for (const top of topLogprobs!) expect(top.logprob).toBeCloseTo(logits[top.tokenId]! - normalizer, 6);
      }),
      { seed: 2 },
    );
  });

  it('scores any token: its log probability and its rank', () => {
    const logits = Float32Array.from([1, 5, 3, 5, -2]);
    const normalizer = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
    const ranks = [...logits.keys()].map((id) => samplerOf(5).score(logits, id, 2).rank);
    expect(ranks).toEqual([4, 1, 3, 2, 5]);
    const { logprob, topLogprobs } = samplerOf(5).score(logits, 4, 2);
    expect(logprob).toBeCloseTo(-2 - normalizer, 6);
    expect(topLogprobs.map(({ tokenId }) => tokenId)).toEqual([1, 3]);
  });

  it('reports only the chosen token for logprobs 0, and nothing for -1', () => {
    const logits = Float32Array.from([0, 1]);
    const sampler = new Sampler(2);
    const { logprob, ...rest } = sampler.sample(logits, { ...PLAIN, temperature: 0, logprobs: 0 }, 0);
    expect(rest).toEqual({ tokenId: 1, topLogprobs: [] });
    expect(logprob).toBeCloseTo(-Math.log(1 + Math.exp(-1)), 6);
    expect(sampler.sample(logits, { ...PLAIN, temperature: 0 }, 0)).toEqual({ tokenId: 1 });
  });

  it.each([NaN, Infinity, -Infinity])('refuses the logit %s, greedy or not', (bad) => {
    const logits = Float32Array.from([1, 2, bad, 4]);
    for (const temperature of [0, 1]) {
      const sample = (): unknown => new Sampler(4).sample(logits, { ...PLAIN, temperature }, 0.5);
      expect(sample).toThrow(EngineFailedError);
      expect(sample).toThrow(`the logit ${bad} for token 2`);
    }
  });
});

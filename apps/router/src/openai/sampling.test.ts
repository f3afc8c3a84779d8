import { describe, expect, it } from 'vitest';
import { samplingParams } from './sampling.js';

/** Where neither the request nor the checkpoint says anything. */
const NEUTRAL = { temperature: 1, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, frequencyPenalty: 0, presencePenalty: 0, minTokens: 0 };

describe('samplingParams', () => {
  it("takes the request's values, then the checkpoint's, then neutral ones", () => {
    const defaults = { temperature: 0.7, topP: 0.8, topK: 20, repetitionPenalty: 1.05 };
    expect(samplingParams({ temperature: 0.1, top_k: null, seed: 5, presence_penalty: 0.5 }, defaults, 3)).toEqual({
      ...NEUTRAL,
      temperature: 0.1,
      topP: 0.8,
      topK: 20,
      repetitionPenalty: 1.05,
      presencePenalty: 0.5,
      seed: 5,
      logprobs: 3,
    });
    expect(samplingParams({ repetition_penalty: 1, seed: 0 }, defaults, -1).repetitionPenalty).toBe(1);
    expect(samplingParams({ seed: 0 }, {}, -1)).toEqual({ ...NEUTRAL, seed: 0, logprobs: -1 });
  });

  it('is greedy by default where the checkpoint says do_sample: false', () => {
    expect(samplingParams({}, { doSample: false, temperature: 0.7 }, -1).temperature).toBe(0);
    expect(samplingParams({ temperature: 0.5 }, { doSample: false }, -1).temperature).toBe(0.5);
  });

  it('reads top_k -1 as all tokens', () => {
    expect(samplingParams({ top_k: -1 }, { topK: 20 }, -1).topK).toBe(0);
  });

  it('draws another seed for each request without one', () => {
    expect(samplingParams({}, {}, -1).seed).not.toBe(samplingParams({}, {}, -1).seed);
  });
});

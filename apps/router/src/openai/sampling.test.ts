import { describe, expect, it } from 'vitest';
import { samplingParams } from './sampling.js';

describe('samplingParams', () => {
  it("takes the request's values, then the checkpoint's, then neutral ones", () => {
    const defaults = { temperature: 0.7, topP: 0.8, topK: 20 };
    expect(samplingParams({ temperature: 0.1, top_k: null, seed: 5 }, defaults, 3)).toEqual({
      temperature: 0.1,
      topP: 0.8,
      topK: 20,
      minP: 0,
      seed: 5,
      logprobs: 3,
    });
    expect(samplingParams({ seed: 0 }, {}, -1)).toEqual({ temperature: 1, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 });
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

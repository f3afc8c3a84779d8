import { EngineFailedError } from '@ringmesh/core';
import { logSumExp, topTokens, type TokenLogprob } from './logprobs.js';
import { MaskedLogits } from './masked-logits.js';
import { RankedDistribution } from './ranked-distribution.js';
import type { SamplingParams } from './sampling-params.js';

/** The next token, with log probabilities where `SamplingParams.logprobs` ≥ 0. */
export interface SampledToken {
  tokenId: number;
  logprob?: number;
  /** The most probable tokens, best first; the chosen one may not be among them. */
  topLogprobs?: TokenLogprob[];
}

/**
 * Chooses tokens. The result depends on the arguments alone; the object only keeps the scratch memory of one vocabulary.
 *
 * Order of the cuts: temperature, min_p, top_k, top_p, as vLLM's V1 sampler has it (docs.vllm.ai, `vllm.v1.sample.sampler`, steps 7b-7d).
 * Log probabilities are those of the raw logits, as vLLM's default `logprobs_mode=raw_logprobs`.
 */
export class Sampler {
  private readonly distribution: RankedDistribution;
  private readonly masked: MaskedLogits;

  constructor(readonly vocabSize: number) {
    this.distribution = new RankedDistribution(vocabSize);
    this.masked = new MaskedLogits(vocabSize);
  }

  /**
   * @param logits [V] of one position
   * @param random in [0, 1): see `uniform`
   * @param mask bit t % 32 of word t / 32: token t may come; null: every token may
   * @throws EngineFailedError where a logit is NaN or infinite, and where no token may come
   */
  sample(logits: Float32Array, params: SamplingParams, random: number, mask: Uint32Array | null = null): SampledToken {
    const best = argmax(logits);
    const allowed = mask === null ? logits : this.masked.load(logits, mask);
    const chosen = mask === null ? best : argmax(allowed);
    const tokenId = params.temperature === 0 ? chosen : this.draw(allowed, allowed[chosen]!, params, random);
    return describe(logits, logits[best]!, tokenId, params);
  }

  /**
   * A token that was chosen elsewhere, told as if it had been sampled.
   * @param logits [V] of one position
   * @throws EngineFailedError where a logit is NaN or infinite
   */
  force(logits: Float32Array, tokenId: number, params: SamplingParams): SampledToken {
    return describe(logits, logits[argmax(logits)]!, tokenId, params);
  }

  private draw(logits: Float32Array, max: number, params: SamplingParams, random: number): number {
    this.distribution.load(logits, max, params.temperature);
    if (params.minP > 0) this.distribution.keepWeight(params.minP);
    if (params.topK > 0) this.distribution.keepCount(params.topK);
    if (params.topP < 1) this.distribution.keepMass(params.topP);
    return this.distribution.draw(random);
  }
}

/** @param logits [V] @param max the largest of them */
function describe(logits: Float32Array, max: number, tokenId: number, params: SamplingParams): SampledToken {
  if (params.logprobs < 0) return { tokenId };
  const normalizer = logSumExp(logits, max);
  const withLogprob = (id: number): TokenLogprob => ({ tokenId: id, logprob: logits[id]! - normalizer });
  return { ...withLogprob(tokenId), topLogprobs: topTokens(logits, params.logprobs).map(withLogprob) };
}

/** The lowest id among the largest logits. @throws EngineFailedError where a logit is NaN or infinite */
function argmax(logits: Float32Array): number {
  let best = 0;
  let taint = 0;
  for (let tokenId = 0; tokenId < logits.length; tokenId++) {
    const logit = logits[tokenId]!;
    taint += logit * 0; // NaN from NaN and ±Infinity, 0 from all else: cheaper than a branch a token
    if (logit > logits[best]!) best = tokenId;
  }
  if (taint !== 0) {
    const tokenId = logits.findIndex((logit) => !Number.isFinite(logit));
    throw new EngineFailedError(
      `the model gave the logit ${logits[tokenId]} for token ${tokenId}: no token can be chosen from such logits`,
    );
  }
  return best;
}

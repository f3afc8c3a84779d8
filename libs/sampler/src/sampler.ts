import { EngineFailedError, NoTokenAllowedError } from '@ringmesh/core';
import { Logits } from './logits.js';
import { describeToken, rankOf, type ScoredToken, type TokenLogprob } from './logprobs.js';
import type { LogitsProcessor } from './processors/logits-processor.js';
import { RankedDistribution } from './ranked-distribution.js';
import type { SamplingParams } from './sampling-params.js';

/** Below it the best token is all but certain: greedy, as with vLLM, and no number overflows. */
const LEAST_TEMPERATURE = 1e-5;

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
 * Order: the processors, then temperature, min_p, top_k, top_p, as vLLM's V1 sampler has it (docs.vllm.ai, `vllm.v1.sample.sampler`, steps
 * 3 to 7d). Log probabilities are those of the model's logits, whatever was done to them, as vLLM's default `logprobs_mode=raw_logprobs`.
 */
export class Sampler {
  private readonly distribution = new RankedDistribution();
  private readonly raw: Logits;
  private readonly processed: Logits;

  constructor(vocabSize: number) {
    this.raw = new Logits(vocabSize);
    this.processed = new Logits(vocabSize);
  }

  /**
   * @param logits [V] of one position
   * @param random in [0, 1): see `uniform`
   * @param processors of the sequence, told of all tokens before; `createProcessors` makes them
   * @throws EngineFailedError where a logit is NaN or infinite, NoTokenAllowedError where the processors leave no token
   */
  sample(logits: Float32Array, params: SamplingParams, random: number, processors: readonly LogitsProcessor[] = []): SampledToken {
    this.raw.load(logits);
    const allowed = processors.length === 0 ? this.raw : this.process(processors);
    const tokenId = params.temperature < LEAST_TEMPERATURE ? allowed.argmax() : this.draw(allowed, params, random);
    return this.describe(tokenId, params);
  }

  /**
   * A token that was chosen elsewhere, told as if it had been sampled.
   * @param logits [V] of one position
   * @throws EngineFailedError where a logit is NaN or infinite
   */
  force(logits: Float32Array, tokenId: number, params: SamplingParams): SampledToken {
    this.raw.load(logits);
    return this.describe(tokenId, params);
  }

  /**
   * How probable a token was that came anyway: one of a prompt.
   * @param logits [V] after the token before it
   * @throws EngineFailedError where a logit is NaN or infinite
   */
  score(logits: Float32Array, tokenId: number, numAlternatives: number): ScoredToken {
    this.raw.load(logits);
    return { ...describeToken(this.raw, tokenId, numAlternatives), rank: rankOf(this.raw.values, tokenId) };
  }

  /** @returns the logits that the processors make of {@link raw}: −∞ for tokens that may not come */
  private process(processors: readonly LogitsProcessor[]): Logits {
    const { processed } = this;
    processed.copy(this.raw);
    for (const processor of processors) processor.apply(processed);
    processed.survey();
    if (processed.isEmpty) {
      throw new NoTokenAllowedError(
        'No token may come next: what the request allows and forbids (a grammar, allowed_token_ids, bad_words, min_tokens) leaves none',
      );
    }
    if (processed.max === Infinity) throw new EngineFailedError("a penalty made a logit infinite: the model's logits are far too large");
    return processed;
  }

  private draw(logits: Logits, params: SamplingParams, random: number): number {
    this.distribution.load(logits, params.temperature, params.minP);
    if (params.topK > 0) this.distribution.keepCount(params.topK);
    if (params.topP < 1) this.distribution.keepMass(params.topP);
    return this.distribution.draw(random);
  }

  private describe(tokenId: number, { logprobs }: SamplingParams): SampledToken {
    return logprobs < 0 ? { tokenId } : describeToken(this.raw, tokenId, logprobs);
  }
}

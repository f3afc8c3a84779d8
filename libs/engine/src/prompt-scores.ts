import type { RingmeshError } from '@ringmesh/core';
import type { Sampler, ScoredToken } from '@ringmesh/sampler';
import { engineError } from './engine-error.js';

/** How probable each token of a prompt was, scored as chunks of the prompt are computed. Nothing comes before the first one: null. */
export type PromptLogprobs = (ScoredToken | null)[];

/** Scores the tokens of one prompt. What was scored before, and is computed again after a preemption, is left out. */
export class PromptScores {
  private readonly scores: PromptLogprobs = [null];
  private failure: RingmeshError | null = null;

  constructor(
    private readonly promptIds: readonly number[],
    private readonly numAlternatives: number,
  ) {}

  get isComplete(): boolean {
    return this.scores.length === this.promptIds.length;
  }

  /** @param position of the token before; @param logits [V] after it */
  add(position: number, logits: Float32Array, sampler: Sampler): void {
    if (this.failure !== null || this.isComplete || position + 1 !== this.scores.length) return;
    try {
      this.scores.push(sampler.score(logits, this.promptIds[position + 1]!, this.numAlternatives));
    } catch (error) {
      this.failure = engineError('Scoring a prompt failed', error); // the request's own: the step goes on for the others
    }
  }

  /** @throws what scoring a token failed with */
  take(): PromptLogprobs {
    if (this.failure !== null) throw this.failure;
    return this.scores;
  }
}

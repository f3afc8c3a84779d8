import type { Logits } from '../logits.js';

/**
 * Changes the logits of one sequence before a token is chosen. What it does depends on the sequence's tokens alone, so that a sequence gives the
 * same tokens in any batch, and after it was preempted.
 */
export interface LogitsProcessor {
  /** Changes the logits. A token of which it makes −∞ cannot come. */
  apply(logits: Logits): void;
  /** Is told of every token that the sequence goes on with, forced ones too. */
  accept?(tokenId: number): void;
}

import type { Logits } from '../logits.js';
import type { LogitsProcessor } from './logits-processor.js';
import { TokenCounts } from './token-counts.js';

/**
 * repetition_penalty: makes every token of prompt and output less probable (above 1) or more (below).
 * Source: Keskar et al., "CTRL", 2019, section 4.1; a logit that is not positive is multiplied, as everybody does since.
 */
export class RepetitionPenalty implements LogitsProcessor {
  private readonly seen = new TokenCounts();

  constructor(
    private readonly penalty: number,
    promptIds: readonly number[],
  ) {
    for (const tokenId of promptIds) this.seen.add(tokenId);
  }

  apply({ values }: Logits): void {
    const { penalty } = this;
    for (const tokenId of this.seen.tokenIds) {
      const logit = values[tokenId]!;
      values[tokenId] = logit > 0 ? logit / penalty : logit * penalty;
    }
  }

  accept(tokenId: number): void {
    this.seen.add(tokenId);
  }
}

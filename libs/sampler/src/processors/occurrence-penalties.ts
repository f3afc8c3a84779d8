import type { Logits } from '../logits.js';
import type { LogitsProcessor } from './logits-processor.js';
import { TokenCounts } from './token-counts.js';

/** frequency_penalty and presence_penalty: take from the logit of each token of the output, for each time that it came and once. */
export class OccurrencePenalties implements LogitsProcessor {
  private readonly output = new TokenCounts();

  constructor(
    private readonly frequencyPenalty: number,
    private readonly presencePenalty: number,
  ) {}

  apply({ values }: Logits): void {
    const { tokenIds, counts } = this.output;
    for (let place = 0; place < tokenIds.length; place++) {
      values[tokenIds[place]!]! -= counts[place]! * this.frequencyPenalty + this.presencePenalty;
    }
  }

  accept(tokenId: number): void {
    this.output.add(tokenId);
  }
}

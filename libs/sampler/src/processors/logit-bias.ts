import type { Logits } from '../logits.js';
import type { LogitsProcessor } from './logits-processor.js';

/** logit_bias: adds to the logits of single tokens. */
export class LogitBias implements LogitsProcessor {
  constructor(private readonly biases: readonly (readonly [tokenId: number, bias: number])[]) {}

  apply({ values }: Logits): void {
    for (const [tokenId, bias] of this.biases) values[tokenId]! += bias;
  }
}

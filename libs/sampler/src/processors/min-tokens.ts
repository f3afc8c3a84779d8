import type { Logits } from '../logits.js';
import type { LogitsProcessor } from './logits-processor.js';

/** min_tokens: what would end the generation may not come before. */
export class MinTokens implements LogitsProcessor {
  constructor(
    private missing: number,
    private readonly stopTokenIds: readonly number[],
  ) {}

  apply({ values }: Logits): void {
    if (this.missing <= 0) return;
    for (const tokenId of this.stopTokenIds) values[tokenId] = -Infinity;
  }

  accept(): void {
    this.missing--;
  }
}

import type { Logits } from '../logits.js';
import type { LogitsProcessor } from './logits-processor.js';

/** Says which tokens may come next, from those before: a grammar. */
export interface TokenMask {
  /** [V / 32] a bit for each token that may come next (`tokenBits`); null: all may. */
  mask(): Uint32Array | null;
  /** Takes the next token. */
  accept(tokenId: number): void;
}

/** Structured output: leaves the tokens that a grammar allows. */
export class MaskedTokens implements LogitsProcessor {
  constructor(private readonly source: TokenMask) {}

  apply(logits: Logits): void {
    const mask = this.source.mask();
    if (mask !== null) logits.keepOnly(mask);
  }

  accept(tokenId: number): void {
    this.source.accept(tokenId);
  }
}

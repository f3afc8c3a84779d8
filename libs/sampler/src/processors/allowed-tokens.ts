import type { Logits } from '../logits.js';
import type { LogitsProcessor } from './logits-processor.js';

/** allowed_token_ids: no other token may come. */
export class AllowedTokens implements LogitsProcessor {
  /** @param bits [V / 32] as `tokenBits` has them */
  constructor(private readonly bits: Uint32Array) {}

  apply(logits: Logits): void {
    logits.keepOnly(this.bits);
  }
}

import { EngineFailedError } from '@ringmesh/core';
import type { GrammarMasks } from './grammar-masks.js';
import type { StateSet } from './state-set.js';

/** Follows the tokens of one reply and says which ones may come next. */
export class GrammarMatcher {
  /** undefined: nothing has come yet. */
  private reached: StateSet | undefined;
  private readonly withEnd: Uint32Array;

  /** @param endTokenIds tokens that end a reply: allowed where the text may end */
  constructor(
    private readonly masks: GrammarMasks,
    private readonly endTokenIds: readonly number[],
  ) {
    this.withEnd = new Uint32Array(Math.ceil(masks.trie.vocabSize / 32));
  }

  private get set(): StateSet {
    return this.reached ?? this.masks.start();
  }

  /** The text may end here, and nothing can follow. */
  get isComplete(): boolean {
    return this.set.canEnd && this.set.states.length === 0;
  }

  /** The text may end here. */
  get canEnd(): boolean {
    return this.set.canEnd;
  }

  /**
   * The tokens that may come next, bit t % 32 of word t / 32 for token t. Valid until the next call; not to be written to.
   * @throws GrammarTooComplexError
   */
  mask(): Uint32Array {
    const mask = this.masks.of(this.set);
    if (!this.set.canEnd) return mask;
    this.withEnd.set(mask);
    for (const token of this.endTokenIds) this.withEnd[token >> 5]! |= 1 << (token & 31);
    return this.withEnd;
  }

  /** Takes the next token of the reply. @throws EngineFailedError where it may not come; GrammarTooComplexError */
  accept(tokenId: number): void {
    const before = this.set;
    if (before.canEnd && this.endTokenIds.includes(tokenId)) return;
    const after = this.masks.after(before, tokenId);
    if (after === null) throw new EngineFailedError(`token ${tokenId} came where the grammar of the request does not allow it`);
    this.reached = after;
  }
}

import { ReasoningParser } from '@ringmesh/tokenizer';

/** How long a model may think, and how its thought is closed. Plain data: it crosses a thread. */
export interface ThoughtLimit {
  /** The prompt has opened the thought. */
  startsInside: boolean;
  /** Tokens of the thought that the model chooses. */
  maxFreeTokens: number;
  /** What comes after these. */
  closingTokenIds: number[];
  /** The texts of all tokens that can be part of a tag or blanks before one: any other token ends a tag that has begun. */
  tagTexts: ReadonlyMap<number, string>;
}

/** Stands for the text of tokens that have nothing of a tag. */
const OTHER_TEXT = '\uFFFC';

/**
 * Follows the tokens of a reply and says which ones must come to close a thought that has used up its budget. What it says depends on the
 * tokens so far alone: a sequence that is computed again, or elsewhere, is forced to the same ones.
 */
export class ThoughtBudget {
  private readonly parser: ReasoningParser;
  private numFree = 0;
  private numForced = 0;

  constructor(private readonly limit: ThoughtLimit) {
    this.parser = new ReasoningParser(limit.startsInside);
  }

  /** The token that must come next; null where the model is free. */
  get forcedTokenId(): number | null {
    const { maxFreeTokens, closingTokenIds } = this.limit;
    if (!this.parser.isInside || this.numFree < maxFreeTokens) return null;
    return closingTokenIds[this.numForced] ?? null; // null: closed
  }

  /** Takes the next token of the reply. */
  push(tokenId: number): void {
    if (this.forcedTokenId !== null) {
      this.numForced++;
    } else if (this.numForced === 0) {
      const wasInside = this.parser.isInside;
      this.parser.push(this.limit.tagTexts.get(tokenId) ?? OTHER_TEXT);
      const { isInside } = this.parser;
      if (wasInside && isInside) this.numFree++;
    }
  }
}

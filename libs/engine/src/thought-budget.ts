/** How long a model may think, and how its thought is closed. Plain data: it crosses a thread. */
export interface ThoughtLimit {
  /** Tokens of the thought at most, its tags not counted. */
  maxTokens: number;
  /** The prompt has opened the thought. */
  startsInside: boolean;
  openTokenId: number;
  closeTokenId: number;
  /** Tokens that may come before the opening one: blanks. After any other one there is no thought. */
  blankTokenIds: number[];
  /** What closes a thought whose budget is used up; closeTokenId is among them, and what is before it still counts. */
  closingTokenIds: number[];
}

/**
 * Follows the tokens of a reply and says which ones must come to close a thought that has used up its budget. What it says depends on the
 * tokens so far alone: a sequence that is computed again, or elsewhere, is forced to the same ones.
 */
export class ThoughtBudget {
  private state: 'before' | 'inside' | 'closing' | 'over';
  /** Tokens of the thought; of the closing ones, while these come. */
  private count = 0;
  /** Tokens of the thought that the model chooses. */
  private readonly freeTokens: number;
  private readonly closingTokenIds: number[];

  constructor(private readonly limit: ThoughtLimit) {
    const { maxTokens, closingTokenIds, closeTokenId } = limit;
    const leadIn = closingTokenIds.indexOf(closeTokenId);
    const isTooShort = maxTokens < leadIn; // then the tag has to come without its line break
    this.closingTokenIds = isTooShort ? closingTokenIds.slice(leadIn) : closingTokenIds;
    this.freeTokens = isTooShort ? maxTokens : maxTokens - leadIn;
    this.state = limit.startsInside ? 'inside' : 'before';
    this.checkBudget();
  }

  /** The token that must come next; null where the model is free. */
  get forcedTokenId(): number | null {
    return this.state === 'closing' ? this.closingTokenIds[this.count]! : null;
  }

  /** Takes the next token of the reply. */
  push(tokenId: number): void {
    const { openTokenId, closeTokenId, blankTokenIds } = this.limit;
    if (this.state === 'before') {
      if (tokenId === openTokenId) this.state = 'inside';
      else if (!blankTokenIds.includes(tokenId)) this.state = 'over';
    } else if (this.state === 'inside') {
      if (tokenId === closeTokenId) this.state = 'over';
      else this.count++;
    } else if (this.state === 'closing' && ++this.count === this.closingTokenIds.length) {
      this.state = 'over';
    }
    this.checkBudget();
  }

  private checkBudget(): void {
    if (this.state !== 'inside' || this.count < this.freeTokens) return;
    this.state = 'closing';
    this.count = 0;
  }
}

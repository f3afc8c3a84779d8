import { type LookupLimits, PromptLookup } from './prompt-lookup.js';

/** Before anything is known. */
const FIRST_GUESS = 0.5;
/** What one draft that came true or did not weighs beside all before it. */
const WEIGHT = 1 / 8;

/** Guesses how one sequence goes on, and how often such guesses come true: also of those that nobody has verified, once their token is there. */
export class Drafter {
  /** How probable it is that a draft comes true where those before it do. */
  acceptance = FIRST_GUESS;
  private readonly lookup: PromptLookup;
  /** What may come next. */
  private proposed: number[] = [];

  /** @param tokenIds of the sequence, to which its tokens are added */
  constructor(tokenIds: readonly number[], limits: LookupLimits) {
    this.lookup = new PromptLookup(tokenIds, limits);
  }

  propose(numTokens: number): number[] {
    this.proposed = this.lookup.propose(numTokens);
    return [...this.proposed];
  }

  /** Takes the sequence's next token. */
  push(tokenId: number): void {
    const draft = this.proposed.shift();
    if (draft === undefined) return;
    const isRight = draft === tokenId;
    this.acceptance += WEIGHT * (Number(isRight) - this.acceptance);
    if (!isRight) this.proposed = [];
  }
}

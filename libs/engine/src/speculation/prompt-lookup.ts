/** Which n-grams are looked up. */
export interface LookupLimits {
  /** Tokens at the end of a sequence that must have come before. */
  minTokens: number;
  /** Of two places where they did, that is better where more tokens before them agree: up to so many in all. */
  maxTokens: number;
}

/** Places that are looked at, the latest first: a token costs no more in a text that repeats one n-gram all the time. */
const MAX_PLACES = 16;
const NONE = -1;

/**
 * Guesses how a sequence goes on from what followed its last tokens when they came before: prompt lookup (Saxena, 2023), vLLM's `ngram`. The
 * n-grams of the shortest length are in a hash table, chained by place, so that a token costs the same however long the sequence is.
 */
export class PromptLookup {
  /** Where an n-gram ended last, by its hash. */
  private readonly latest = new Map<number, number>();
  /** Of the n-gram that ends at a token: where one with the same hash ended before. */
  private readonly earlier: number[] = [];

  /** @param tokenIds grows at its end; what is there does not change */
  constructor(
    private readonly tokenIds: readonly number[],
    private readonly limits: LookupLimits,
  ) {}

  /** @returns the tokens that may come next: `numTokens`, or none where the last ones have not come before */
  propose(numTokens: number): number[] {
    const { tokenIds } = this;
    const last = tokenIds.length - 1;
    for (let end = this.earlier.length; end < last; end++) this.add(end);
    const place = this.findPlace(last);
    const draftIds: number[] = [];
    if (place === NONE) return draftIds;
    // Where what followed is not long enough, it reaches into what is being guessed: a text that repeats itself goes on to do so.
    for (let next = place + 1; draftIds.length < numTokens; next++) draftIds.push(tokenIds[next] ?? draftIds[next - tokenIds.length]!);
    return draftIds;
  }

  private add(end: number): void {
    const hash = this.hashOf(end);
    this.earlier.push(this.latest.get(hash) ?? NONE);
    if (end >= this.limits.minTokens - 1) this.latest.set(hash, end);
  }

  /** @returns where the longest of the n-grams that end at `last` ended before, the latest of them */
  private findPlace(last: number): number {
    const { minTokens, maxTokens } = this.limits;
    let [best, longest] = [NONE, minTokens - 1];
    let place = last < minTokens ? NONE : (this.latest.get(this.hashOf(last)) ?? NONE);
    for (let looked = 0; place !== NONE && looked < MAX_PLACES && longest < maxTokens; looked++) {
      const length = this.agreement(place, last);
      if (length > longest) [best, longest] = [place, length];
      place = this.earlier[place]!;
    }
    return best;
  }

  /** How many tokens up to both places are the same, `maxTokens` at most. */
  private agreement(place: number, last: number): number {
    const { tokenIds, limits } = this;
    let length = 0;
    while (length < limits.maxTokens && length <= place && tokenIds[place - length] === tokenIds[last - length]) length++;
    return length;
  }

  /** FNV-1a of the n-gram that ends there. */
  private hashOf(end: number): number {
    let hash = 0x811c9dc5;
    for (let token = end - this.limits.minTokens + 1; token <= end; token++)
      hash = Math.imul(hash ^ (this.tokenIds[token] ?? 0), 0x01000193);
    return hash;
  }
}

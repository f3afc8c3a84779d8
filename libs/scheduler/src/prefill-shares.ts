/** A prompt that is being computed. */
export interface Prompt {
  readonly priority: number;
  readonly numPending: number;
  /** How many of `numTokens` more tokens, at least one, it had best compute in one step. */
  chunkOf(numTokens: number): number;
}

/** Tokens that a prompt computes in a step if the budget is no matter. */
export function mostOf(prompt: Prompt): number {
  return prompt.chunkOf(prompt.numPending);
}

/**
 * How many tokens of a step each prompt gets. They take what they need in their order; but one that is followed by a shorter one, as urgent
 * as itself, leaves half of what is there. So the first gets half at least, and takes no more than twice the steps that it would take alone;
 * a short one need not wait until a long one before it is done; and of equal ones the first is done first, which is sooner for the first
 * and no later for the last.
 * @param prompts the most urgent first
 * @returns for each prompt its tokens, 0 to {@link mostOf} it
 */
export function prefillShares(prompts: readonly Prompt[], budget: number): number[] {
  const shares: number[] = [];
  for (const equals of Map.groupBy(prompts, ({ priority }) => priority).values()) {
    for (const share of sharesOfEquals(equals, budget - sum(shares))) shares.push(share);
  }
  return shares;
}

/** @param prompts of one priority */
function sharesOfEquals(prompts: readonly Prompt[], budget: number): number[] {
  const yields = followedByShorter(prompts);
  let left = budget;
  const take = (limit: number): number => {
    const tokens = Math.min(limit, left);
    left -= tokens;
    return tokens;
  };
  const shares = prompts.map((prompt, index) => take(yields[index]! ? Math.min(mostOf(prompt), Math.ceil(left / 2)) : mostOf(prompt)));
  return shares.map((share, index) => {
    const prompt = prompts[index]!;
    const most = share + take(mostOf(prompt) - share); // with what was left for shorter ones, and was more than they need
    if (most === 0) return 0;
    const tokens = prompt.chunkOf(most);
    left += most - tokens;
    return tokens;
  });
}

function followedByShorter(prompts: readonly Prompt[]): boolean[] {
  const result: boolean[] = [];
  let shortest = Infinity; // of those that follow
  for (let index = prompts.length - 1; index >= 0; index--) {
    const { numPending } = prompts[index]!;
    result[index] = shortest < numPending;
    shortest = Math.min(shortest, numPending);
  }
  return result;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

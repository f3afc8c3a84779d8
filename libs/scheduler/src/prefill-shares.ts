/** A prompt that is being computed. */
export interface Prompt {
  readonly priority: number;
  readonly numPending: number;
  /** How many of `numTokens` more tokens it had best compute in one step: none where its next chunk, by the granularity, is longer. */
  chunkOf(numTokens: number, granularity: number): number;
}

/** Tokens that a prompt computes in a step if the budget is no matter. */
export function mostOf(prompt: Prompt, granularity: number): number {
  return prompt.chunkOf(prompt.numPending, granularity);
}

/**
 * How many tokens of a step each prompt gets. They take what they need in their order; but one that is followed by a shorter one, as urgent
 * as itself, leaves half of what is there. So the first gets half at least, and takes no more than twice the steps that it would take alone;
 * a short one need not wait until a long one before it is done; and of equal ones the first is done first, which is sooner for the first
 * and no later for the last.
 * @param prompts the most urgent first
 * @param granularity chunks end at multiples of it, or with the prompt: halves are rounded up to it, so that the first gets on whatever is left
 * @returns for each prompt its tokens, 0 to {@link mostOf} it
 */
export function prefillShares(prompts: readonly Prompt[], budget: number, granularity = 1): number[] {
  const shares: number[] = [];
  for (const equals of Map.groupBy(prompts, ({ priority }) => priority).values()) {
    for (const share of sharesOfEquals(equals, budget - sum(shares), granularity)) shares.push(share);
  }
  return shares;
}

/** @param prompts of one priority */
function sharesOfEquals(prompts: readonly Prompt[], budget: number, granularity: number): number[] {
  const yields = followedByShorter(prompts);
  let left = budget;
  const take = (limit: number): number => {
    const tokens = Math.min(limit, left);
    left -= tokens;
    return tokens;
  };
  const shares = prompts.map((prompt, index) => {
    const half = Math.ceil(left / 2) + granularity - 1;
    return take(Math.min(mostOf(prompt, granularity), yields[index]! ? half : Infinity));
  });
  return shares.map((share, index) => {
    const prompt = prompts[index]!;
    const most = share + take(mostOf(prompt, granularity) - share); // with what was left for shorter ones, and was more than they need
    if (most === 0) return 0;
    const tokens = prompt.chunkOf(most, granularity);
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

/** What a sequence could have verified. */
export interface Proposal {
  /** Drafts. */
  numTokens: number;
  /** 0…1: how probable it is that a draft comes true where those before it do. */
  acceptance: number;
}

/** Drafts are worth their while from so much more tokens a second on: a measure of time is not exact. */
const LEAST_GAIN = 1.03;

/**
 * How many of its drafts each sequence has verified, so that tokens come as fast as they can: a draft is one more token to compute, and costs what
 * the step takes longer; in a mixture of experts that is much, for it needs experts of its own. The most probable drafts come first, and so many
 * that the expected tokens a second are the most.
 * @param proposals of all sequences of the step
 * @param secondsOf a step of so many tokens; null where that is not known, not even of fewer tokens
 * @param maxTokens of a step
 */
export function planDrafts(proposals: readonly Proposal[], secondsOf: (numTokens: number) => number | null, maxTokens: number): number[] {
  const counts = proposals.map(() => 0);
  let numTokens = proposals.length;
  const plainSeconds = secondsOf(numTokens);
  if (plainSeconds === null) return counts; // a step without drafts will tell
  let expected = numTokens;
  let best = { rate: (expected / plainSeconds) * LEAST_GAIN, numDrafts: 0 };
  const drafts = inOrder(proposals).slice(0, Math.max(0, maxTokens - numTokens));
  for (const [index, { probability }] of drafts.entries()) {
    expected += probability;
    const rate = expected / secondsOf(++numTokens)!;
    if (rate > best.rate) best = { rate, numDrafts: index + 1 };
  }
  for (const { sequence } of drafts.slice(0, best.numDrafts)) counts[sequence]!++;
  return counts;
}

/** All drafts, the most probable first; of one sequence in their order. */
function inOrder(proposals: readonly Proposal[]): { sequence: number; probability: number }[] {
  return proposals
    .flatMap(({ numTokens, acceptance }, sequence) =>
      Array.from({ length: numTokens }, (_, index) => ({ sequence, probability: acceptance ** (index + 1) })),
    )
    .sort((a, b) => b.probability - a.probability);
}

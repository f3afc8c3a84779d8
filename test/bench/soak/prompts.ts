/** Prompts as token ids, of any length from 8 to 900 tokens, some of which begin alike; and how many tokens each is answered with. */
export interface SoakPrompt {
  ids: number[];
  maxTokens: number;
}

const SHARED_TOKENS = 192;

/** @param random from 0 to 1 */
export function soakPrompts(count: number, vocabSize: number, maxModelLen: number, random: () => number): SoakPrompt[] {
  const draw = (length: number): number[] => Array.from({ length }, () => Math.floor(random() * vocabSize));
  const between = (min: number, max: number): number => Math.floor(min + random() * (max - min + 1));
  const shared = draw(SHARED_TOKENS);
  const longest = Math.min(900, Math.floor(maxModelLen * 0.7));
  return Array.from({ length: count }, (_, index) => {
    // Most are short, as questions are.
    const length = index % 4 === 0 ? between(SHARED_TOKENS + 8, longest) : between(8, 200);
    const ids = draw(length);
    if (index % 8 === 0) ids.splice(0, SHARED_TOKENS, ...shared);
    return { ids, maxTokens: Math.min(between(8, 120), maxModelLen - length) };
  });
}

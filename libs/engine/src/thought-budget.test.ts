import { describe, expect, it } from 'vitest';
import { ThoughtBudget, type ThoughtLimit } from './thought-budget.js';

const [OPEN, CLOSE, BLANK, LESS, SLASH, THINK, MORE] = [100, 101, 102, 103, 104, 105, 106];
const CLOSING = [7, CLOSE, 8];
const TAG_TEXTS = new Map([
  [OPEN, '<think>'],
  [CLOSE, '</think>'],
  [BLANK, ' '],
  [LESS, '<'],
  [SLASH, '</'],
  [THINK, 'think'],
  [MORE, '>\n\n'],
]);

/** A model that says these tokens where it is free. @returns the reply */
function reply(said: number[], limit: Partial<ThoughtLimit> = {}): number[] {
  const budget = new ThoughtBudget({
    startsInside: false,
    maxFreeTokens: 2,
    closingTokenIds: CLOSING,
    tagTexts: TAG_TEXTS,
    ...limit,
  });
  const tokens: number[] = [];
  const rest = [...said];
  while (rest.length > 0 || budget.forcedTokenId !== null) {
    const next = budget.forcedTokenId ?? rest.shift()!;
    tokens.push(next);
    budget.push(next);
  }
  return tokens;
}

describe('ThoughtBudget', () => {
  it.each<[string, number[], Partial<ThoughtLimit>, number[]]>([
    ['closes a thought that is too long', [OPEN, 1, 2, 3, 4], {}, [OPEN, 1, 2, ...CLOSING, 3, 4]],
    ['leaves a shorter one', [OPEN, 1, CLOSE, 3, 4, 5], {}, [OPEN, 1, CLOSE, 3, 4, 5]],
    [
      'leaves a tag in several tokens',
      [1, SLASH, THINK, MORE, 2, 3],
      { startsInside: true, maxFreeTokens: 4 },
      [1, SLASH, THINK, MORE, 2, 3],
    ],
    ['closes amid what may become a tag', [1, SLASH, 2], { startsInside: true }, [1, SLASH, ...CLOSING, 2]],
    [
      'is not misled by pieces of a tag',
      [SLASH, 1, THINK, MORE, 2],
      { startsInside: true, maxFreeTokens: 4 },
      [SLASH, 1, THINK, MORE, ...CLOSING, 2],
    ],
    [
      'finds an opening tag in several tokens',
      [BLANK, LESS, THINK, MORE, 1],
      { maxFreeTokens: 0 },
      [BLANK, LESS, THINK, MORE, ...CLOSING, 1],
    ],
    ['counts from the start where the prompt has opened it', [1, 2, 3, 4], { startsInside: true }, [1, 2, ...CLOSING, 3, 4]],
    ['closes at once without a budget', [1], { startsInside: true, maxFreeTokens: 0 }, [...CLOSING, 1]],
    ['closes after the tag without a budget', [OPEN, 1], { maxFreeTokens: 0 }, [OPEN, ...CLOSING, 1]],
    ['waits for the tag behind blanks', [BLANK, OPEN, 1, 2, 3, 4], {}, [BLANK, OPEN, 1, 2, ...CLOSING, 3, 4]],
    ['leaves an answer without thought', [1, OPEN, 2, 3, 4, 5], {}, [1, OPEN, 2, 3, 4, 5]],
    ['closes one thought only', [OPEN, CLOSE, OPEN, 1, 2, 3, 4], {}, [OPEN, CLOSE, OPEN, 1, 2, 3, 4]],
  ])('%s', (_, said, limit, expected) => {
    expect(reply(said, limit)).toEqual(expected);
  });
});

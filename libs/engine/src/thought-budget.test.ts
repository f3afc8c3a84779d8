import { describe, expect, it } from 'vitest';
import { ThoughtBudget, type ThoughtLimit } from './thought-budget.js';

const [OPEN, CLOSE, BLANK] = [100, 101, 102];
const CLOSING = [7, CLOSE, 8];

/** A model that says these tokens where it is free. @returns the reply */
function reply(said: number[], limit: Partial<ThoughtLimit> = {}): number[] {
  const budget = new ThoughtBudget({
    maxTokens: 3,
    startsInside: false,
    openTokenId: OPEN,
    closeTokenId: CLOSE,
    blankTokenIds: [BLANK],
    closingTokenIds: CLOSING,
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
    ['has room for nothing but the closing', [1], { startsInside: true, maxTokens: 1 }, [...CLOSING, 1]],
    ['counts from the start where the prompt has opened it', [1, 2, 3, 4], { startsInside: true }, [1, 2, ...CLOSING, 3, 4]],
    ['closes at once without a budget', [1], { startsInside: true, maxTokens: 0 }, [CLOSE, 8, 1]],
    ['closes after the tag without a budget', [OPEN, 1], { maxTokens: 0 }, [OPEN, CLOSE, 8, 1]],
    ['waits for the tag behind blanks', [BLANK, OPEN, 1, 2, 3, 4], {}, [BLANK, OPEN, 1, 2, ...CLOSING, 3, 4]],
    ['leaves an answer without thought', [1, OPEN, 2, 3, 4, 5], {}, [1, OPEN, 2, 3, 4, 5]],
    ['closes one thought only', [OPEN, CLOSE, OPEN, 1, 2, 3, 4], {}, [OPEN, CLOSE, OPEN, 1, 2, 3, 4]],
  ])('%s', (_, said, limit, expected) => {
    expect(reply(said, limit)).toEqual(expected);
  });
});

import { expect, it } from 'vitest';
import { Drafter } from './drafter.js';

it('learns how often its guesses come true, whoever verified them', () => {
  const tokenIds = [1, 2, 3, 4, 1, 2];
  const drafter = new Drafter(tokenIds, { minTokens: 2, maxTokens: 4 });
  const push = (tokenId: number): void => {
    tokenIds.push(tokenId);
    drafter.push(tokenId);
  };
  expect(drafter.propose(3)).toEqual([3, 4, 1]);
  const before = drafter.acceptance;
  push(3);
  const once = drafter.acceptance;
  expect(once).toBeGreaterThan(before);
  push(4);
  expect(drafter.acceptance).toBeGreaterThan(once);
  const twice = drafter.acceptance;
  push(9); // wrong: what was guessed after it says nothing
  const wrong = drafter.acceptance;
  expect(wrong).toBeLessThan(twice);
  push(1);
  expect(drafter.acceptance).toBe(wrong);
  expect(drafter.propose(3)).toEqual([]);
});

import { expect, it } from 'vitest';
import type { TextChoice } from '../text-choice.js';
import { bestChoices } from './best-choices.js';

function answer(index: number, ...logprobs: number[]): TextChoice {
  const tokens = logprobs.map((logprob) => ({ type: 'token' as const, text: 'a', tokenId: 1, logprob }));
  return {
    index,
    cachedTokens: 0,
    text: `answer ${index}`,
    tokens,
    finished: { type: 'finished', text: '', reason: 'stop', stopReason: null },
  };
}

it('keeps the best of each prompt by their mean, not by their sum, and numbers them anew', () => {
  const first = [answer(0, -3), answer(1, -1, -1, -1, -1), answer(2, -1)];
  const second = [answer(3, -0.5), answer(4, -0.25), answer(5, -9)];
  const best = bestChoices([...first, ...second], 3, 2);
  expect(best.map(({ index, text }) => [index, text])).toEqual([
    [0, 'answer 1'],
    [1, 'answer 2'],
    [2, 'answer 4'],
    [3, 'answer 3'],
  ]);
});

it('leaves as many answers as choices as they are, with or without log probabilities', () => {
  const answers = [answer(0), answer(1)];
  expect(bestChoices(answers, 2, 2)).toBe(answers);
});

import type { TextChoice } from '../text-choice.js';

/**
 * Of each prompt's answers the `numChoices` with the highest mean log probability of their tokens, best first; of equals the earlier one.
 * @param answers with log probabilities, `numAnswers` of each prompt, prompt by prompt
 */
export function bestChoices(answers: TextChoice[], numAnswers: number, numChoices: number): TextChoice[] {
  if (numAnswers === numChoices) return answers;
  const prompts = Array.from({ length: answers.length / numAnswers }, (_, prompt) =>
    answers.slice(prompt * numAnswers, (prompt + 1) * numAnswers),
  );
  return prompts
    .flatMap((ofPrompt) => ofPrompt.sort((a, b) => meanLogprob(b) - meanLogprob(a)).slice(0, numChoices))
    .map((answer, index) => ({ ...answer, index }));
}

function meanLogprob({ tokens }: TextChoice): number {
  return tokens.reduce((sum, { logprob }) => sum + logprob!, 0) / tokens.length;
}

import type { PromptLogprobs } from '@ringmesh/engine';
import type { TextEvent, TextFinished, TextToken } from '../generation/generate-text.js';
import type { Indexed } from '../generation/merge.js';

/** A text that was generated to its end. */
export interface TextChoice {
  index: number;
  /** Of its prompt: those that the prefix cache had. */
  cachedTokens: number;
  /** Where they were asked for: with the first choice of each prompt. */
  promptLogprobs?: PromptLogprobs;
  text: string;
  tokens: TextToken[];
  finished: TextFinished;
}

/** Gathers the events of all prompts; the choices come back in the order of the prompts. */
export async function collectChoices(events: AsyncGenerator<Indexed<TextEvent>, void>): Promise<TextChoice[]> {
  const choices: (Omit<TextChoice, 'finished'> & { finished?: TextFinished })[] = [];
  for await (const { index, value } of events) {
    const choice = (choices[index] ??= { index, cachedTokens: 0, text: '', tokens: [] });
    if (value.type === 'started') {
      choice.cachedTokens = value.cachedTokens;
    } else if (value.type === 'prompt') {
      choice.promptLogprobs = value.logprobs;
    } else {
      choice.text += value.text;
      if (value.type === 'token') choice.tokens.push(value);
      else choice.finished = value;
    }
  }
  return choices as TextChoice[]; // a text that does not end is thrown
}

import type { TextFinished, TextToken } from '../generation/generate-text.js';
import type { Indexed } from '../generation/merge.js';
import type { TextEvent } from '../generation/generate-text.js';

/** A text that was generated to its end. */
export interface TextChoice {
  index: number;
  text: string;
  tokens: TextToken[];
  finished: TextFinished;
}

/** Gathers the events of all prompts; the choices come back in the order of the prompts. */
export async function collectChoices(events: AsyncGenerator<Indexed<TextEvent>, void>): Promise<TextChoice[]> {
  const tokens: TextToken[][] = [];
  const choices: TextChoice[] = [];
  for await (const { index, value } of events) {
    if (value.type === 'token') {
      (tokens[index] ??= []).push(value);
    } else if (value.type === 'finished') {
      const ofChoice = tokens[index] ?? [];
      const text = ofChoice.map((token) => token.text).join('') + value.text;
      choices[index] = { index, text, tokens: ofChoice, finished: value };
    }
  }
  return choices;
}

import { ANY, type CodePoints } from './code-points.js';

/** A regular expression, parsed. */
export type Regex =
  | { type: 'set'; set: CodePoints }
  | { type: 'sequence'; parts: Regex[] }
  | { type: 'choice'; options: Regex[] }
  | { type: 'repeat'; part: Regex; min: number; /** Infinity: any number. */ max: number }
  | { type: 'anchor'; at: 'start' | 'end' }
  | { type: 'lookahead'; part: Regex; isNegative: boolean };

export const sequence = (...parts: Regex[]): Regex => ({ type: 'sequence', parts });
export const choice = (...options: Regex[]): Regex => ({ type: 'choice', options });
export const repeat = (part: Regex, min: number, max = Infinity): Regex => ({ type: 'repeat', part, min, max });
export const optional = (part: Regex): Regex => repeat(part, 0, 1);
export const set = (points: CodePoints): Regex => ({ type: 'set', set: points });
export const range = (low: string, high: string): Regex => set([[low.codePointAt(0)!, high.codePointAt(0)!]]);
export const text = (characters: string): Regex => ({
  type: 'sequence',
  parts: Array.from(characters, (character) => range(character, character)),
});

/** Any text at all. */
export const ANYTHING = repeat(set(ANY), 0);
export const DIGIT = range('0', '9');

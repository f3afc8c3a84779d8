/** What a text must be. Plain data, made of an API request. */
export type GrammarSource =
  | { type: 'literal'; text: string }
  /** Matched from end to end. */
  | { type: 'regex'; pattern: string }
  | { type: 'schema'; schema: unknown }
  /** Any JSON object. */
  | { type: 'object' }
  | { type: 'choice'; options: GrammarSource[] }
  | { type: 'sequence'; parts: GrammarSource[] }
  /** At least once, and not more often than `max`. */
  | { type: 'repeat'; part: GrammarSource; separator: string; max: number };

/** Whether a thought comes before the text: never; perhaps, with its opening tag; the prompt has opened it. */
export type ThoughtPlace = 'none' | 'possible' | 'open';

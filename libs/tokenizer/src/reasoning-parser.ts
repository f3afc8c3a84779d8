import { partialTagLength } from './partial-tag.js';

export const THINK_OPEN = '<think>';
export const THINK_CLOSE = '</think>';

/** What Ring's models write between thought and answer, and what ends a thought whose budget is used up. */
export const THOUGHT_END = `\n${THINK_CLOSE}\n\n`;

export interface ReasoningSplit {
  reasoning: string;
  content: string;
}

/**
 * Splits `<think>\n…\n</think>\n\nanswer` into thought and answer as it comes. Only a text that begins with the tag (after blanks) has a thought;
 * everything after the thought is answer, other tags included. The two tags and the line breaks beside them belong to neither. The result does
 * not depend on how the text was cut into pieces.
 */
export class ReasoningParser {
  private state: 'before' | 'inside' | 'after';
  /** Nothing of the part, thought or answer, has been seen yet: line breaks are dropped. */
  private atStart = true;
  private held = '';

  /** @param startsInside the prompt has opened the thought already */
  constructor(startsInside: boolean) {
    this.state = startsInside ? 'inside' : 'before';
  }

  get isInside(): boolean {
    return this.state === 'inside';
  }

  push(text: string): ReasoningSplit {
    const split = { reasoning: '', content: '' };
    this.held += text;
    if (this.state === 'before') this.open();
    if (this.state === 'inside') split.reasoning = this.takeThought();
    if (this.state === 'after') split.content = this.takeAnswer();
    return split;
  }

  /** Ends the text. @returns what was held back */
  flush(): ReasoningSplit {
    const { held } = this;
    this.held = '';
    return this.state === 'inside' ? { reasoning: held, content: '' } : { reasoning: '', content: held };
  }

  private open(): void {
    const begun = this.held.trimStart();
    if (begun.startsWith(THINK_OPEN)) {
      this.held = begun.slice(THINK_OPEN.length);
      this.state = 'inside';
    } else if (!THINK_OPEN.startsWith(begun)) {
      this.state = 'after';
      this.atStart = false;
    }
  }

  private takeThought(): string {
    this.dropLineBreaks();
    const end = this.held.indexOf(THINK_CLOSE);
    if (end !== -1) {
      const thought = this.take(end);
      this.held = this.held.slice(THINK_CLOSE.length);
      this.state = 'after';
      this.atStart = true;
      return thought.replace(/\n+$/, '');
    }
    const tag = this.held.length - partialTagLength(this.held, THINK_CLOSE);
    let shown = tag;
    while (shown > 0 && this.held[shown - 1] === '\n') shown--; // may stand before the closing tag
    return this.take(shown);
  }

  private takeAnswer(): string {
    this.dropLineBreaks();
    return this.take(this.held.length);
  }

  private dropLineBreaks(): void {
    if (!this.atStart) return;
    this.held = this.held.replace(/^\n+/, '');
    this.atStart = this.held === '';
  }

  private take(length: number): string {
    const taken = this.held.slice(0, length);
    this.held = this.held.slice(length);
    return taken;
  }
}

import { GrammarInvalidError } from '@ringmesh/core';

const MAX_SHOWN = 80;

/** A place in a pattern. */
export class Cursor {
  /** Within a negated class or lookahead, or not: what is written must be what a reader of any kind takes for a match. */
  isNegated = false;
  private position = 0;

  constructor(private readonly pattern: string) {}

  get atEnd(): boolean {
    return this.position >= this.pattern.length;
  }

  /** The next character; '' at the end. */
  peek(): string {
    const point = this.pattern.codePointAt(this.position);
    return point === undefined ? '' : String.fromCodePoint(point);
  }

  next(): string {
    const character = this.peek();
    if (character === '') this.fail('ends too early');
    this.position += character.length;
    return character;
  }

  take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.position += character.length;
    return true;
  }

  /** @param sticky an expression with the flag y */
  match(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.position;
    const match = sticky.exec(this.pattern);
    if (match === null) return undefined;
    this.position += match[0].length;
    return match;
  }

  /** @throws GrammarInvalidError */
  fail(problem: string): never {
    const shown = this.pattern.length > MAX_SHOWN ? `${this.pattern.slice(0, MAX_SHOWN)}…` : this.pattern;
    throw new GrammarInvalidError(`the regular expression ${JSON.stringify(shown)} ${problem} (at character ${this.position})`);
  }
}

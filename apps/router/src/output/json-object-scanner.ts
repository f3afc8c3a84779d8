/** Finds where a JSON object ends in text that comes in pieces: counts brackets outside of strings, and checks nothing else. */
export class JsonObjectScanner {
  private depth = 0;
  private inString = false;
  private isEscaped = false;
  private ended = false;

  /** The object is complete, or a `<` outside of strings has cut it off, which no JSON has. */
  get hasEnded(): boolean {
    return this.ended;
  }

  /** @returns how many of the characters belong to the object */
  scan(text: string): number {
    for (let index = 0; index < text.length; index++) {
      if (this.ended) return index;
      const character = text[index]!;
      if (this.inString) {
        this.scanString(character);
      } else if (character === '<') {
        this.ended = true;
        return index;
      } else {
        this.scanStructure(character);
      }
    }
    return text.length;
  }

  private scanString(character: string): void {
    if (this.isEscaped) this.isEscaped = false;
    else if (character === '\\') this.isEscaped = true;
    else if (character === '"') this.inString = false;
  }

  private scanStructure(character: string): void {
    if (character === '"') this.inString = true;
    else if (character === '{' || character === '[') this.depth++;
    else if (character === '}' || character === ']') this.ended = --this.depth === 0;
  }
}

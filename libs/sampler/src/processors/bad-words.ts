import type { Logits } from '../logits.js';
import type { LogitsProcessor } from './logits-processor.js';

/** bad_words: the last token of a word may not come where the output ends with all those before it. */
export class BadWords implements LogitsProcessor {
  /** The end of the output: as many tokens as a word can have before its last one. */
  private readonly recent: number[] = [];
  private readonly maxBefore: number;

  /** @param words the tokens of each, one at least */
  constructor(private readonly words: readonly (readonly number[])[]) {
    this.maxBefore = Math.max(...words.map((word) => word.length - 1));
  }

  apply({ values }: Logits): void {
    for (const word of this.words) {
      if (this.isNext(word)) values[word.at(-1)!] = -Infinity;
    }
  }

  accept(tokenId: number): void {
    this.recent.push(tokenId);
    if (this.recent.length > this.maxBefore) this.recent.shift();
  }

  /** Whether all tokens of a word but its last one have just come. */
  private isNext(word: readonly number[]): boolean {
    const start = this.recent.length - (word.length - 1);
    if (start < 0) return false;
    for (let index = 0; index < word.length - 1; index++) {
      if (this.recent[start + index] !== word[index]) return false;
    }
    return true;
  }
}

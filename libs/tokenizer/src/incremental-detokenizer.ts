import { utf8Decoder } from './byte-level.js';
import type { DecodeOptions, Tokenizer } from './tokenizer.js';

export interface DetokenizerOptions extends DecodeOptions {
  /** Special tokens that are kept though the others are left out. */
  shownTokenIds?: ReadonlySet<number> | undefined;
}

/** Turns a stream of tokens into text: what `push` and at last `flush` return is, end to end, what {@link Tokenizer.decode} gives for all ids. */
export class IncrementalDetokenizer {
  private readonly decoder = utf8Decoder();
  private readonly skipSpecialTokens: boolean;
  private readonly shownTokenIds: ReadonlySet<number> | undefined;

  constructor(
    private readonly tokenizer: Tokenizer,
    { skipSpecialTokens = false, shownTokenIds }: DetokenizerOptions = {},
  ) {
    this.skipSpecialTokens = skipSpecialTokens;
    this.shownTokenIds = shownTokenIds;
  }

  /** @returns the text that no later token can change; '' while a character is incomplete */
  push(id: number): string {
    if (this.skipSpecialTokens && this.tokenizer.isSpecial(id) && this.shownTokenIds?.has(id) !== true) return '';
    return this.decoder.decode(this.tokenizer.tokenBytes(id), { stream: true });
  }

  /** Ends the stream. @returns U+FFFD where a character stayed incomplete, else '' */
  flush(): string {
    return this.decoder.decode();
  }
}

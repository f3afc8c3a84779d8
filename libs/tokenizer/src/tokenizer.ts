import { readAddedTokens, type AddedToken } from './added-token.js';
import { utf8Decoder } from './byte-level.js';
import { BytePairEncoder } from './byte-pair-encoder.js';
import { readSpecialTokens, type SpecialTokens } from './special-tokens.js';
import { createTextSplitter } from './text-splitter.js';
import { TokenBytes } from './token-bytes.js';
import { readTokenizerFile, TOKENIZER_JSON } from './tokenizer-files.js';
import { readVocabulary, type Vocabulary } from './vocabulary.js';

export interface DecodeOptions {
  /** Leaves special tokens out. Default: false. */
  skipSpecialTokens?: boolean;
}

/**
 * A byte-level BPE tokenizer in Hugging Face's format: gives the ids and texts that `tokenizers` 0.23 and `transformers` 5 give, with
 * `clean_up_tokenization_spaces` off. Splitting follows the Unicode version of the running Node.
 */
export class Tokenizer {
  /** Highest id + 1. The model's vocabulary may be larger: ids from here on have no token and decode to nothing. */
  readonly vocabSize: number;
  /** The text of the token that ends a reply; undefined where the checkpoint names none. */
  readonly eosText: string | undefined;

  private readonly bytes: TokenBytes;
  private readonly encoder: BytePairEncoder;
  private readonly addedIds: ReadonlyMap<string, number>;
  private readonly specialIds: ReadonlySet<number>;

  private constructor(
    private readonly split: (text: string) => string[],
    { tokens, idOfByte, merges }: Vocabulary,
    addedTokens: readonly AddedToken[],
    specialTokens: SpecialTokens,
  ) {
    this.vocabSize = tokens.length;
    this.eosText = specialTokens.eos_token;
    this.bytes = new TokenBytes(tokens);
    this.encoder = new BytePairEncoder(idOfByte, merges, tokens.length);
    this.addedIds = new Map(addedTokens.map(({ content, id }) => [content, id]));
    const named = new Set(Object.values(specialTokens));
    this.specialIds = new Set(addedTokens.filter(({ special, content }) => special || named.has(content)).map(({ id }) => id));
  }

  /**
   * Reads tokenizer.json, tokenizer_config.json and, where there is one, special_tokens_map.json.
   * @throws TokenizerInvalidError where a file is missing, malformed, larger than 64 MiB, or asks for a tokenizer of another kind
   */
  static async load(dir: string): Promise<Tokenizer> {
    const [tokenizerJson, specialTokens] = await Promise.all([readTokenizerFile(dir, TOKENIZER_JSON), readSpecialTokens(dir)]);
    const addedTokens = readAddedTokens(tokenizerJson);
    tokenizerJson.object('decoder').oneOf('type', ['ByteLevel']);
    return new Tokenizer(
      createTextSplitter(tokenizerJson, addedTokens),
      readVocabulary(tokenizerJson, addedTokens),
      addedTokens,
      specialTokens,
    );
  }

  /** Adds no tokens of its own; the text of an added token, special or not, becomes that token. Lone surrogates become U+FFFD. */
  encode(text: string): number[] {
    const ids: number[] = [];
    for (const piece of this.split(text.toWellFormed())) {
      const addedId = this.addedIds.get(piece);
      if (addedId === undefined) this.encoder.encode(piece, ids);
      else ids.push(addedId);
    }
    return ids;
  }

  /** Bytes that are not UTF-8 become U+FFFD, one for each maximal part of a character (Unicode 15, section 3.9). */
  decode(ids: readonly number[], { skipSpecialTokens = false }: DecodeOptions = {}): string {
    const shown = skipSpecialTokens ? ids.filter((id) => !this.isSpecial(id)) : ids;
    return utf8Decoder().decode(this.bytes.concat(shown));
  }

  /** One token decoded alone: U+FFFD where it is part of a character, '' where `id` has no token. */
  tokenText(id: number): string {
    return utf8Decoder().decode(this.tokenBytes(id));
  }

  /** A view, not to be written to; empty where `id` has no token. */
  tokenBytes(id: number): Uint8Array {
    return this.bytes.of(id);
  }

  isSpecial(id: number): boolean {
    return this.specialIds.has(id);
  }
}

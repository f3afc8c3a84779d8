import { ContextLengthExceededError, InvalidRequestError, ModelNotFoundError } from '@ringmesh/core';
import { buildTokenTrie } from '@ringmesh/grammar';
import { ChatTemplate, Tokenizer } from '@ringmesh/tokenizer';
import { type GenerationDefaults, PackLayout, type PackManifest } from '@ringmesh/weights';
import { Grammars } from './generation/grammars.js';
import { OutputFormat, type OutputParsers } from './output/output-format.js';

export interface ServedModelParts {
  /** What clients call it. */
  name: string;
  tokenizer: Tokenizer;
  chatTemplate: ChatTemplate;
  /** What is looked for in replies of chats. */
  outputParsers: OutputParsers;
  defaults: GenerationDefaults;
  endTokenIds: number[];
  /** The model's own, which may be larger than the tokenizer's. */
  vocabSize: number;
  /** Prompt and answer of one request at most, in tokens. */
  maxModelLen: number;
}

/** The model as the API knows it: its name, its text side and its limits. */
export class ServedModel {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly chatTemplate: ChatTemplate;
  readonly output: OutputFormat;
  readonly grammars: Grammars;
  readonly defaults: GenerationDefaults;
  readonly endTokenIds: number[];
  readonly vocabSize: number;
  readonly maxModelLen: number;
  /** Unix time in seconds at which serving began. */
  readonly created = Math.floor(Date.now() / 1000);
  /** A longer text cannot fit the context, whatever its tokens. */
  private readonly maxPromptBytes: number;

  constructor(parts: ServedModelParts) {
    this.name = parts.name;
    this.tokenizer = parts.tokenizer;
    this.chatTemplate = parts.chatTemplate;
    this.output = new OutputFormat(parts.tokenizer, parts.outputParsers);
    this.grammars = new Grammars(buildTokenTrie(parts.tokenizer, parts.vocabSize, this.output.shownTokenIds));
    this.defaults = parts.defaults;
    this.endTokenIds = parts.endTokenIds;
    this.vocabSize = parts.vocabSize;
    this.maxModelLen = parts.maxModelLen;
    this.maxPromptBytes = parts.maxModelLen * longestTokenBytes(parts.tokenizer);
  }

  /** @throws ModelNotFoundError */
  checkName(name: string | null | undefined): void {
    if (name != null && name !== this.name) {
      throw new ModelNotFoundError(`The model ${JSON.stringify(name)} does not exist: this server serves ${JSON.stringify(this.name)}`, {
        field: 'model',
      });
    }
  }

  /** @throws ContextLengthExceededError before the work of tokenizing where the text is hopelessly long */
  encode(text: string, field: string): number[] {
    const bytes = Buffer.byteLength(text);
    if (bytes > this.maxPromptBytes) {
      throw new ContextLengthExceededError(`${field}: ${bytes} bytes of text do not fit the context of ${this.maxModelLen} tokens`, {
        field,
      });
    }
    return this.tokenizer.encode(text);
  }

  /** @throws InvalidRequestError for ids outside the vocabulary */
  checkTokenIds(tokenIds: number[], field: string): void {
    const unknown = tokenIds.find((id) => id >= this.vocabSize);
    if (unknown !== undefined) {
      throw new InvalidRequestError(`${field}: token id ${unknown} is outside the vocabulary of ${this.vocabSize}`, { field });
    }
  }
}

/**
 * Reads the text side of a pack.
 * @throws TokenizerInvalidError
 */
export async function loadServedModel(
  { config, generationDefaults: defaults }: PackManifest,
  { packDir, name, outputParsers, maxModelLen }: Pick<ServedModelParts, 'name' | 'outputParsers' | 'maxModelLen'> & { packDir: string },
): Promise<ServedModel> {
  const { tokenizer: dir } = new PackLayout(packDir);
  const [tokenizer, chatTemplate] = await Promise.all([Tokenizer.load(dir), ChatTemplate.load(dir)]);
  const endTokenIds = [...new Set([...config.eosTokenIds, ...(defaults.eosTokenIds ?? [])])];
  return new ServedModel({ name, tokenizer, chatTemplate, outputParsers, defaults, endTokenIds, vocabSize: config.vocabSize, maxModelLen });
}

function longestTokenBytes(tokenizer: Tokenizer): number {
  let longest = 1;
  for (let id = 0; id < tokenizer.vocabSize; id++) longest = Math.max(longest, tokenizer.tokenBytes(id).length);
  return longest;
}

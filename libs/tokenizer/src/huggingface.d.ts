// The declarations inside these packages import one another without file extensions, which `moduleResolution: nodenext` cannot follow:
// every type would be `any`. These are the parts that are used here.

declare module '@huggingface/tokenizers' {
  export class Tokenizer {
    constructor(tokenizerJson: object, tokenizerConfig: object);
    /** Turns the pieces between added tokens into the tokens that `tokenize` returns. */
    model: (pieces: string[]) => string[];
    tokenize(text: string): string[];
  }
}

declare module '@huggingface/jinja' {
  export class Template {
    constructor(source: string);
    /** The syntax tree that `render` walks. */
    readonly parsed: object;
    render(variables: Readonly<Record<string, unknown>>): string;
  }
}

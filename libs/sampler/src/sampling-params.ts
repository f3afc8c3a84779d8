/** How the next token is chosen; docs/sampling.md says what each field means. Ranges are checked by the API before they come here. */
export interface SamplingParams {
  /** 0 = greedy. */
  temperature: number;
  /** (0, 1]: the smallest set of tokens whose probability reaches it; 1 = all. */
  topP: number;
  /** The k most probable tokens; 0 = all. */
  topK: number;
  /** [0, 1]: tokens of at least this fraction of the most probable one's probability; 0 = all. */
  minP: number;
  /** Any safe integer. The same seed, prompt and parameters give the same tokens. */
  seed: number;
  /** Alternatives to report with each token, 20 at most: -1 = no logprobs at all, 0 = only the chosen token's. */
  logprobs: number;
  /** The tokens that may come, as `tokenBits` has them [V / 32]; undefined = all. */
  allowedTokens?: Uint32Array | undefined;
  /** Sequences of tokens that the output may not contain; none of them is empty. */
  badWords?: readonly (readonly number[])[] | undefined;
  /** Tokens that must come before one that ends the generation. */
  minTokens?: number | undefined;
  /** What is added to the logits of these tokens. */
  logitBias?: readonly (readonly [tokenId: number, bias: number])[] | undefined;
  /** > 0: divides the positive logits of all tokens of prompt and output, and multiplies the others; 1 = none. */
  repetitionPenalty?: number | undefined;
  /** Taken from a token's logit for each time that the output has it. */
  frequencyPenalty?: number | undefined;
  /** Taken from a token's logit once the output has it. */
  presencePenalty?: number | undefined;
}

/** How the next token is chosen. Ranges are checked by the API before they come here. */
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
}

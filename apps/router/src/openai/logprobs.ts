import type { PromptLogprobs, ScoredToken, TokenLogprob } from '@ringmesh/engine';
import type { Tokenizer } from '@ringmesh/tokenizer';
import type { TextToken } from '../generation/generate-text.js';
import type { ChatLogprobs, CompletionLogprobs, PromptLogprobsBody } from './schemas/responses.js';

/** JSON has no −∞; OpenAI and vLLM write this instead. */
const MIN_LOGPROB = -9999;

/** A token of an answer, or of a prompt, whose first one has no log probability: null. */
export interface LoggedToken {
  tokenId: number;
  logprob?: number | null;
  topLogprobs?: TokenLogprob[];
}

/** Writes tokens for logprobs: as their text, or as `token_id:N` with return_tokens_as_token_ids. */
export class TokenWriter {
  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly asTokenIds: boolean,
  ) {}

  text(tokenId: number): string {
    return this.asTokenIds ? `token_id:${tokenId}` : this.tokenizer.tokenText(tokenId);
  }

  bytes(tokenId: number): number[] {
    return this.asTokenIds ? [...Buffer.from(this.text(tokenId))] : [...this.tokenizer.tokenBytes(tokenId)];
  }
}

/** The chat form: per token an object with its alternatives, most probable first. */
export function chatLogprobs(tokens: TextToken[], writer: TokenWriter): ChatLogprobs {
  const entry = ({ tokenId, logprob }: TokenLogprob): { token: string; logprob: number; bytes: number[] } => ({
    token: writer.text(tokenId),
    logprob: finite(logprob),
    bytes: writer.bytes(tokenId),
  });
  return { content: tokens.map((token) => ({ ...entry(chosen(token)), top_logprobs: (token.topLogprobs ?? []).map(entry) })) };
}

/**
 * The completions form: parallel lists. `top_logprobs` holds the chosen token beside the alternatives, so one more than asked for where it
 * is none of them. `textOffset` is where the first token begins.
 */
export function completionLogprobs(tokens: LoggedToken[], writer: TokenWriter, textOffset: number): CompletionLogprobs {
  const result: CompletionLogprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
  for (const token of tokens) {
    const text = writer.text(token.tokenId);
    result.tokens.push(text);
    if (token.logprob === null) {
      result.token_logprobs.push(null);
      result.top_logprobs.push(null);
    } else {
      const own = finite(token.logprob ?? MIN_LOGPROB);
      const alternatives: Record<string, number> = { [text]: own };
      for (const other of token.topLogprobs ?? []) alternatives[writer.text(other.tokenId)] ??= finite(other.logprob);
      result.token_logprobs.push(own);
      result.top_logprobs.push(alternatives);
    }
    result.text_offset.push(textOffset);
    textOffset += text.length;
  }
  return result;
}

function chosen({ tokenId, logprob }: TextToken): TokenLogprob {
  return { tokenId, logprob: logprob ?? MIN_LOGPROB };
}

function finite(logprob: number): number {
  return Math.max(logprob, MIN_LOGPROB);
}

/** vLLM's form: of each token of the prompt but the first one, itself and its alternatives by id. */
export function promptLogprobs(scores: PromptLogprobs, writer: TokenWriter): PromptLogprobsBody {
  return scores.map((score) => score && scoredTokens(score, writer));
}

function scoredTokens({ topLogprobs, rank, ...own }: ScoredToken, writer: TokenWriter): NonNullable<PromptLogprobsBody[number]> {
  const ranked = [...topLogprobs.map((token, place) => ({ ...token, rank: place + 1 })), { ...own, rank }];
  return Object.fromEntries(
    ranked.map(({ tokenId, logprob, rank: place }) => [
      String(tokenId),
      { logprob: finite(logprob), rank: place, decoded_token: writer.text(tokenId) },
    ]),
  );
}

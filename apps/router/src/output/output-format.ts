import { InvalidRequestError } from '@ringmesh/core';
import type { ThoughtLimit } from '@ringmesh/engine';
import type { Tokenizer } from '@ringmesh/tokenizer';
import { THINK_CLOSE, THINK_OPEN, THOUGHT_END } from './reasoning-parser.js';
import { TOOL_CALL_CLOSE, TOOL_CALL_OPEN } from './tool-call-parser.js';

export const REASONING_PARSERS = ['think', 'none'] as const;
export const TOOL_CALL_PARSERS = ['hermes', 'none'] as const;

/** Which parts of a reply are looked for. */
export interface OutputParsers {
  reasoning: (typeof REASONING_PARSERS)[number];
  toolCalls: (typeof TOOL_CALL_PARSERS)[number];
}

/** How a model marks the parts of its replies, as text and as tokens. */
export class OutputFormat {
  readonly parsesReasoning: boolean;
  readonly parsesToolCalls: boolean;
  /** Special tokens that the parsers need to see, though special tokens are left out of the text. */
  readonly shownTokenIds: ReadonlySet<number>;
  private readonly tags: Pick<ThoughtLimit, 'openTokenId' | 'closeTokenId' | 'blankTokenIds' | 'closingTokenIds'> | undefined;

  constructor(tokenizer: Tokenizer, { reasoning, toolCalls }: OutputParsers) {
    this.parsesReasoning = reasoning === 'think';
    this.parsesToolCalls = toolCalls === 'hermes';
    const tags = [
      ...(this.parsesReasoning ? [THINK_OPEN, THINK_CLOSE] : []),
      ...(this.parsesToolCalls ? [TOOL_CALL_OPEN, TOOL_CALL_CLOSE] : []),
    ];
    this.shownTokenIds = new Set(tags.flatMap((tag) => singleToken(tokenizer, tag) ?? []));
    const [openTokenId, closeTokenId] = [singleToken(tokenizer, THINK_OPEN), singleToken(tokenizer, THINK_CLOSE)];
    if (openTokenId === undefined || closeTokenId === undefined) return;
    this.tags = { openTokenId, closeTokenId, blankTokenIds: blankTokens(tokenizer), closingTokenIds: tokenizer.encode(THOUGHT_END) };
  }

  /**
   * @param startsInside the prompt has opened the thought
   * @throws InvalidRequestError where the server does not know thoughts by their tokens
   */
  thoughtLimit(maxTokens: number, startsInside: boolean): ThoughtLimit {
    const field = 'max_reasoning_tokens';
    if (!this.parsesReasoning) {
      throw new InvalidRequestError(`${field}: the server runs with --reasoning-parser none; remove the field`, { field });
    }
    if (this.tags === undefined) {
      throw new InvalidRequestError(`${field}: the model has no tokens ${THINK_OPEN} and ${THINK_CLOSE}; remove the field`, { field });
    }
    return { ...this.tags, maxTokens, startsInside };
  }
}

function singleToken(tokenizer: Tokenizer, tag: string): number | undefined {
  const ids = tokenizer.encode(tag);
  return ids.length === 1 ? ids[0] : undefined;
}

function blankTokens(tokenizer: Tokenizer): number[] {
  const ids = Array.from({ length: tokenizer.vocabSize }, (_, id) => id);
  return ids.filter((id) => /^\s+$/.test(tokenizer.tokenText(id)));
}

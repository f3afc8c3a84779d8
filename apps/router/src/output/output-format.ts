import { InvalidRequestError } from '@ringmesh/core';
import type { ThoughtLimit } from '@ringmesh/engine';
import { ReasoningParser, THINK_CLOSE, THINK_OPEN, THOUGHT_END, type Tokenizer } from '@ringmesh/tokenizer';
import { tagTexts } from './tag-texts.js';
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
  private readonly tagTexts: ReadonlyMap<number, string>;

  constructor(
    private readonly tokenizer: Tokenizer,
    { reasoning, toolCalls }: OutputParsers,
  ) {
    this.parsesReasoning = reasoning === 'think';
    this.parsesToolCalls = toolCalls === 'hermes';
    const tags = [
      ...(this.parsesReasoning ? [THINK_OPEN, THINK_CLOSE] : []),
      ...(this.parsesToolCalls ? [TOOL_CALL_OPEN, TOOL_CALL_CLOSE] : []),
    ];
    this.shownTokenIds = new Set(tags.map((tag) => tokenizer.encode(tag)).flatMap((ids) => (ids.length === 1 ? ids : [])));
    this.tagTexts = tagTexts(tokenizer, [THINK_OPEN, THINK_CLOSE]);
  }

  /**
   * @param maxTokens of the thought, what closes it included up to the tag; with less than that the line break before the tag is left out
   * @param startsInside the prompt has opened the thought
   * @throws InvalidRequestError where the server does not look for thoughts
   */
  thoughtLimit(maxTokens: number, startsInside: boolean): ThoughtLimit {
    if (!this.parsesReasoning) {
      const field = 'max_reasoning_tokens';
      throw new InvalidRequestError(`${field}: the server runs with --reasoning-parser none; remove the field`, { field });
    }
    const full = this.tokenizer.encode(THOUGHT_END);
    const closingTokenIds = maxTokens < this.tokensInside(full) ? this.tokenizer.encode(THOUGHT_END.trimStart()) : full;
    const maxFreeTokens = Math.max(0, maxTokens - this.tokensInside(closingTokenIds));
    return { startsInside, maxFreeTokens, closingTokenIds, tagTexts: this.tagTexts };
  }

  /** How many of the tokens that close a thought come before its end. */
  private tokensInside(closingTokenIds: number[]): number {
    const parser = new ReasoningParser(true);
    return closingTokenIds.filter((id) => {
      parser.push(this.tokenizer.tokenText(id));
      return parser.isInside;
    }).length;
  }
}

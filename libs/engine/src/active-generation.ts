import type { GrammarMatcher } from '@ringmesh/grammar';
import type { SequenceCache } from '@ringmesh/kv-cache';
import { createProcessors, type LogitsProcessor } from '@ringmesh/sampler';
import { Sequence } from '@ringmesh/scheduler';
import type { FinishReason, GenerationRequest } from './generation.js';
import { PromptScores } from './prompt-scores.js';
import { RoutingRecord } from './routing-record.js';
import { Drafter } from './speculation/drafter.js';
import type { LookupLimits } from './speculation/prompt-lookup.js';
import { ThoughtBudget } from './thought-budget.js';

/** A trace of a long answer would have more spans than anybody can look at, and workers would make them. */
const MAX_TRACED_EXCHANGES = 8192;

/** A request on its way through the engine. */
export class ActiveGeneration extends Sequence<SequenceCache> {
  hasStarted = false;
  /** Exchanges with hosts of experts that its trace may still tell of. */
  traceableExchanges = MAX_TRACED_EXCHANGES;
  /** Null where the request does not ask for it. */
  readonly routing: RoutingRecord | null;
  /** Null where the request does not ask for it, and once they have been told. */
  promptScores: PromptScores | null;
  /** What changes its logits, told of every token that was generated. */
  readonly processors: readonly LogitsProcessor[];
  /** Null where no token of it is guessed. */
  readonly drafter: Drafter | null;
  private readonly thought: ThoughtBudget | null;

  constructor(
    readonly request: GenerationRequest,
    /** On the clock of the engine, in seconds. */
    readonly submittedAt: number,
    /** Leading tokens of which it may share what is computed with others. */
    numShareable: number,
    /** Null where every token may come. */
    private readonly matcher: GrammarMatcher | null,
    /** Null: no sequence has drafts. */
    lookup: LookupLimits | null,
  ) {
    const { promptIds, promptLogprobs, stopTokenIds, priority, apiKeyName: tenant, timeoutSeconds = Infinity } = request;
    const needsWholePrompt = request.returnRoutedExperts === true || promptLogprobs !== undefined;
    const salt = numShareable > 0 && !needsWholePrompt ? saltOf(request) : null;
    super(request.id, promptIds, { priority, tenant, deadline: submittedAt + timeoutSeconds }, salt, numShareable);
    this.routing = request.returnRoutedExperts === true ? new RoutingRecord() : null;
    this.promptScores = promptLogprobs === undefined ? null : new PromptScores(promptIds, promptLogprobs);
    this.processors = createProcessors(request.sampling, { promptIds, stopTokenIds, mask: matcher });
    this.thought = request.thoughtLimit === undefined ? null : new ThoughtBudget(request.thoughtLimit);
    // Experts are reported of tokens, not of guesses.
    this.drafter = lookup === null || this.routing !== null ? null : new Drafter(this.tokenIds, lookup);
  }

  /** Tokens generated so far; the index of the next one in the request's random stream. */
  get numGenerated(): number {
    return this.tokenIds.length - this.request.promptIds.length;
  }

  /** What a client is told whose request has passed its deadline. */
  get missedDeadline(): string {
    const { timeoutSeconds, maxTokens } = this.request;
    const state = this.hasStarted ? `with ${this.numGenerated} of at most ${maxTokens} tokens generated` : 'in the queue';
    return `The timeout of ${timeoutSeconds} s passed ${state}: give more time, or ask for fewer tokens`;
  }

  /** The token that must come next, whatever the model says; null where it is sampled. */
  get forcedTokenId(): number | null {
    return this.thought?.forcedTokenId ?? null;
  }

  /** Takes a token. @returns why the generation ends with it, or null */
  append(tokenId: number): FinishReason | null {
    this.tokenIds.push(tokenId);
    this.drafter?.push(tokenId);
    this.thought?.push(tokenId);
    if (this.request.stopTokenIds.includes(tokenId)) return 'stop';
    for (const processor of this.processors) processor.accept?.(tokenId);
    if (this.matcher?.isComplete === true) return 'stop';
    return this.numGenerated >= this.request.maxTokens ? 'length' : null;
  }
}

/** Whoever has another key learns nothing of what this one asked, not even from how soon it is answered. */
function saltOf({ apiKeyName, cacheSalt }: GenerationRequest): string {
  return JSON.stringify([apiKeyName, cacheSalt]);
}

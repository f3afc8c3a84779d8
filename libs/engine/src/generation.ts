import type { RingmeshError } from '@ringmesh/core';
import type { SamplingParams, ScoredToken, TokenLogprob } from '@ringmesh/sampler';
import type { CompiledGrammar, TokenTrie } from '@ringmesh/grammar';
import type { PromptLogprobs } from './prompt-scores.js';
import type { ThoughtLimit } from './thought-budget.js';

export type { PromptLogprobs, SamplingParams, ScoredToken, ThoughtLimit, TokenLogprob };

/** What a reply must be. */
export interface GrammarConstraint {
  grammar: CompiledGrammar;
  /** The tokens that are text. */
  vocabulary: TokenTrie;
  /** Tokens that end the reply: where its text may end, and nowhere else. */
  endTokenIds: number[];
}

/** What the HTTP side asks of the engine: token ids only. */
export interface GenerationRequest {
  /** Unique while the request lives. */
  id: string;
  /** Name of the API key that it came with, for whoever must tell their requests apart; undefined where there are no keys. */
  apiKeyName?: string | undefined;
  promptIds: number[];
  sampling: SamplingParams;
  /** Tokens to generate at most, ≥ 1; promptIds.length + maxTokens ≤ maxModelLen. */
  maxTokens: number;
  /** Tokens that end the generation; the one that does is reported as a token too. Empty with `ignore_eos`. */
  stopTokenIds: number[];
  /** A whole number, lower is sooner; 0 unless given. docs/scheduling.md says what it means. */
  priority?: number | undefined;
  /** By `monotonicSeconds`; its submission unless given. */
  arrivedAt?: number | undefined;
  /** Seconds from its arrival after which it fails, > 0; no limit unless given. */
  timeoutSeconds?: number | undefined;
  /**
   * Alternatives to report with each token of the prompt; undefined: no log probabilities of the prompt at all. With them nothing of the prompt is
   * taken from the prefix cache.
   */
  promptLogprobs?: number | undefined;
  /** Report the gate's decisions with the tokens: then nothing of the prompt is taken from the prefix cache. */
  returnRoutedExperts?: boolean;
  /** Requests that begin with the same tokens, and have the same salt, share what is computed of them. */
  cacheSalt?: string | undefined;
  /** Of a request that is traced: 32 hexadecimal digits. */
  traceId?: string | undefined;
  /** Undefined: the model thinks as long as it likes. */
  thoughtLimit?: ThoughtLimit | undefined;
  /** Undefined: every token may come at any place. With one, the generation also ends, as by a stop token, where nothing can follow. */
  constraint?: GrammarConstraint | undefined;
}

/** [tokens][layers][k]: the experts that the gate chose, largest weight first; null for a layer without experts. */
export type RoutedExperts = (number[] | null)[][];

/** `stop`: a stop token came. `length`: maxTokens reached. `abort`: the caller gave up. */
export type FinishReason = 'stop' | 'length' | 'abort';

export interface TokenEvent {
  type: 'token';
  tokenId: number;
  /** Present where sampling.logprobs ≥ 0, as are the alternatives. */
  logprob?: number;
  topLogprobs?: TokenLogprob[];
  /** Where asked for: with the first token. */
  promptLogprobs?: PromptLogprobs;
  /** Where asked for: of the tokens computed since the last event, the whole prompt at first. */
  routedExperts?: RoutedExperts;
}

/** What the engine tells about one request, in order: started, token…, then finished or failed, once. */
export type GenerationEvent =
  | {
      type: 'started';
      /** Seconds between arrival and the first scheduled step. */
      queueSeconds: number;
      /** Of the prompt, tokens that another request had computed. */
      cachedTokens: number;
    }
  | TokenEvent
  | { type: 'finished'; reason: FinishReason }
  | { type: 'failed'; error: RingmeshError };

/** A count of what the engine holds now. */
export interface EngineStats {
  running: number;
  waiting: number;
  /** 0…1: the share of KV-cache memory in use. */
  kvCacheUsage: number;
  kvCacheBytes: number;
}

/** Whether requests can be answered, and if not, what is missing. */
export interface Readiness {
  ready: boolean;
  /** Shards that no reachable worker hosts now. */
  missingShards: number[];
  /** One line a worker (or a phase of loading): address, state, last error; and what else an operator should know. */
  details: string[];
}

/** The engine as the HTTP side sees it. It lives on another thread. */
export interface EngineClient {
  /** prompt + generated tokens of one request at most. */
  readonly maxModelLen: number;
  /**
   * Events end after `finished` or `failed`. Leaving the loop early, or aborting `signal`, frees the sequence at once.
   * @throws NotReadyError while the model loads, ShuttingDownError after close; InvalidRequestError, ContextLengthExceededError for a request
   * that does not keep to {@link GenerationRequest}
   */
  generate(request: GenerationRequest, signal?: AbortSignal): AsyncIterable<GenerationEvent>;
  stats(): EngineStats;
  readiness(): Readiness;
  close(): Promise<void>;
}

import type { ErrorMessage } from '@ringmesh/core';
import type { DispatchStats } from '@ringmesh/dispatch';
import type { EngineStats, GenerationEvent } from './generation.js';
import type { StepTrace } from './step-trace.js';

/** Tokens that were guessed before they were computed. */
export interface SpeculationStats {
  /** Sequences that had drafts. */
  numDrafts: number;
  numDraftTokens: number;
  numAcceptedTokens: number;
}

/** What one step did, for whoever turns it into metrics. */
export interface StepMetrics {
  /** From scheduling to the last sampled token. */
  seconds: number;
  /** Tokens computed, prefill and decode together. */
  numTokens: number;
  /** Tokens sampled. */
  numSampled: number;
  /** Sequences that lost their KV cache to older ones. */
  preemptions: number;
  speculation: SpeculationStats;
  dispatch: DispatchStats;
  /** Seconds of each part; null unless asked for. */
  profile: Record<string, number> | null;
}

/** An event with its request. Errors are messages, because this crosses a thread. */
export interface RequestEvent {
  id: string;
  event: Exclude<GenerationEvent, { type: 'failed' }> | { type: 'failed'; error: ErrorMessage };
}

/** All that one step has to say: plain data, one message. */
export interface StepReport {
  events: RequestEvent[];
  stats: EngineStats;
  /** Null where there was nothing to compute. */
  metrics: StepMetrics | null;
  /** Null where none of the requests that it computed something for is traced. */
  trace: StepTrace | null;
}

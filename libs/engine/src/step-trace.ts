import type { TracedExchanges } from '@ringmesh/dispatch';

/** What a step did for one request that is traced. */
export interface TracedChunk {
  /** Of the request. */
  id: string;
  /** The second half of its span's id. */
  spanIdLow: number;
  /** Tokens computed of this request. */
  numTokens: number;
  /** Whether a token was to be sampled. */
  isLast: boolean;
}

/** A step that computed something for requests that are traced: plain data, which crosses a thread with the step's events. */
export interface StepTrace extends TracedExchanges {
  /** By `monotonicSeconds`. */
  startedAt: number;
  endedAt: number;
  /** The first half of the ids of all its spans. */
  spanIdHigh: number;
  /** Of all requests in it, traced or not. */
  numSequences: number;
  numTokens: number;
  /** A step computes for all of them at once: its exchanges are told with the first one's. */
  chunks: TracedChunk[];
}

/** What a key may do; undefined: no limit but the server's. */
export interface ApiKeyLimits {
  /** Sequences that run at once; more wait. */
  maxNumSeqs?: number | undefined;
  /** Requests that wait at most. */
  maxQueuedRequests?: number | undefined;
  requestsPerMinute?: number | undefined;
  /** Prompt and generated tokens together. */
  tokensPerMinute?: number | undefined;
}

/** A key that the server accepts. The key itself is forgotten: its hash is enough to know it again. */
export interface ApiKey {
  /** For logs and errors; the engine tells requests of different keys apart by it. */
  name: string;
  /** [32] */
  sha256: Uint8Array;
  limits: ApiKeyLimits;
}

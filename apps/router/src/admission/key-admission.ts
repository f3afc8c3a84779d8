import { QueueFullError, RateLimitExceededError } from '@ringmesh/core';
import type { ApiKey } from '../api-keys/api-key.js';
import { retryAfter } from './retry-after.js';
import { SequenceSlots } from './sequence-slots.js';
import { TokenBucket } from './token-bucket.js';
import { WaitingQueue } from './waiting-queue.js';

/** What one key uses of its limits. */
export class KeyAdmission {
  readonly queue: WaitingQueue;
  /** Of the sequences that run. */
  readonly slots: SequenceSlots;
  private readonly requestBucket: TokenBucket | null;
  private readonly tokenBucket: TokenBucket | null;

  constructor(
    private readonly key: ApiKey,
    now: number,
  ) {
    const { maxNumSeqs = Infinity, maxQueuedRequests = Infinity, requestsPerMinute, tokensPerMinute } = key.limits;
    this.queue = new WaitingQueue({ maxRequests: maxQueuedRequests, maxTokens: Infinity });
    this.slots = new SequenceSlots(maxNumSeqs);
    this.requestBucket = requestsPerMinute === undefined ? null : new TokenBucket(requestsPerMinute, now);
    this.tokenBucket = tokensPerMinute === undefined ? null : new TokenBucket(tokensPerMinute, now);
  }

  /** Why a request of so many sequences with so many prompt tokens together is refused now. */
  refusals(sequences: number, promptTokens: number, now: number): (QueueFullError | RateLimitExceededError)[] {
    const { requestBucket, tokenBucket, queue } = this;
    return [
      ...this.rateRefusal(requestBucket, 'requests', requestBucket?.secondsUntil(1, now) ?? 0),
      ...this.rateRefusal(tokenBucket, 'tokens', tokenBucket?.secondsUntil(promptTokens, now) ?? 0),
      ...this.queueRefusal(queue.secondsUntilFits(sequences, promptTokens, now)),
    ];
  }

  /** Counts a request that was admitted. */
  take(promptTokens: number, now: number): void {
    this.requestBucket?.take(1, now);
    this.tokenBucket?.take(promptTokens, now);
  }

  /** Counts a token that was generated. */
  takeGenerated(now: number): void {
    this.tokenBucket?.take(1, now);
  }

  private rateRefusal(bucket: TokenBucket | null, what: string, seconds: number): RateLimitExceededError[] {
    if (bucket === null || seconds === 0) return [];
    const message = `The API key ${this.key.name} has used up its ${bucket.perMinute} ${what} a minute`;
    return [new RateLimitExceededError(message, { retryAfterSeconds: retryAfter(seconds) })];
  }

  private queueRefusal(seconds: number): QueueFullError[] {
    if (seconds === 0) return [];
    const { requests, limits } = this.queue;
    const message = `${requests} requests of the API key ${this.key.name} wait already, and ${limits.maxRequests} may`;
    return [new QueueFullError(message, { retryAfterSeconds: retryAfter(seconds) })];
  }
}

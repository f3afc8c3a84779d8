import { QueueFullError, RateLimitExceededError } from '@ringmesh/core';
import type { ApiKey, ApiKeyLimits } from '../api-keys/api-key.js';
import { retryAfter } from './retry-after.js';
import { SequenceSlots } from './sequence-slots.js';
import { TokenBucket } from './token-bucket.js';
import { type QueueLimits, WaitingQueue } from './waiting-queue.js';

/** What one key uses of its limits. */
export class KeyAdmission {
  readonly queue: WaitingQueue;
  /** Of the sequences that run. */
  readonly slots: SequenceSlots;
  private readonly name: string;
  private requestBucket: TokenBucket | null = null;
  private tokenBucket: TokenBucket | null = null;

  constructor({ name, limits }: ApiKey, now: number) {
    this.name = name;
    this.queue = new WaitingQueue(queueLimits(limits));
    this.slots = new SequenceSlots(limits.maxNumSeqs ?? Infinity);
    this.setRates(limits, now);
  }

  /** Nothing of it waits or runs. */
  get isIdle(): boolean {
    return this.queue.requests === 0 && this.slots.numTaken === 0;
  }

  /** What is used stays used: whoever waits may run at once where more may run now, and what runs goes on where less may. */
  setLimits(limits: ApiKeyLimits, now: number): void {
    this.queue.limits = queueLimits(limits);
    this.slots.setMax(limits.maxNumSeqs ?? Infinity);
    this.setRates(limits, now);
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

  private setRates({ requestsPerMinute, tokensPerMinute }: ApiKeyLimits, now: number): void {
    this.requestBucket = bucketOf(this.requestBucket, requestsPerMinute, now);
    this.tokenBucket = bucketOf(this.tokenBucket, tokensPerMinute, now);
  }

  private rateRefusal(bucket: TokenBucket | null, what: string, seconds: number): RateLimitExceededError[] {
    if (bucket === null || seconds === 0) return [];
    const message = `The API key ${this.name} has used up its ${bucket.perMinute} ${what} a minute`;
    return [new RateLimitExceededError(message, { retryAfterSeconds: retryAfter(seconds) })];
  }

  private queueRefusal(seconds: number): QueueFullError[] {
    if (seconds === 0) return [];
    const { requests, limits } = this.queue;
    const message = `${requests} requests of the API key ${this.name} wait already, and ${limits.maxRequests} may`;
    return [new QueueFullError(message, { retryAfterSeconds: retryAfter(seconds) })];
  }
}

function queueLimits({ maxQueuedRequests = Infinity }: ApiKeyLimits): QueueLimits {
  return { maxRequests: maxQueuedRequests, maxTokens: Infinity };
}

function bucketOf(bucket: TokenBucket | null, perMinute: number | undefined, now: number): TokenBucket | null {
  if (perMinute === undefined) return null;
  if (bucket === null) return new TokenBucket(perMinute, now);
  bucket.setRate(perMinute, now);
  return bucket;
}

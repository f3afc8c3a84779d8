import { DrainRate } from './drain-rate.js';

export interface QueueLimits {
  /** Infinity: no limit. */
  maxRequests: number;
  /** Prompt tokens of all who wait; Infinity: no limit. */
  maxTokens: number;
}

/**
 * Counts who waits for the engine. Whoever finds nobody waiting is let in whatever its size, so that no request is too large for ever.
 * `now` in seconds, never running backwards.
 */
export class WaitingQueue {
  requests = 0;
  tokens = 0;
  private readonly rate = new DrainRate();
  private time = 0;

  constructor(public limits: QueueLimits) {}

  /** Seconds until so much more fits, at the pace of late; 0 where it fits now. */
  secondsUntilFits(requests: number, tokens: number, now: number): number {
    if (this.requests === 0) return 0;
    this.advance(now);
    // Nobody has to wait for more to leave than there is.
    const tooManyRequests = Math.min(this.requests + requests - this.limits.maxRequests, this.requests);
    const tooManyTokens = Math.min(this.tokens + tokens - this.limits.maxTokens, this.tokens);
    return this.rate.secondsFor(tooManyRequests, tooManyTokens);
  }

  /** A request begins to wait. */
  enter(tokens: number, now: number): void {
    this.advance(now);
    this.requests++;
    this.tokens += tokens;
  }

  /** A request that waited was started, or gave up. */
  leave(tokens: number, now: number): void {
    this.advance(now);
    this.requests--;
    this.tokens -= tokens;
    this.rate.count(tokens);
  }

  /** Time in which nobody waits says nothing about the pace. */
  private advance(now: number): void {
    if (this.requests > 0) this.rate.pass(now - this.time);
    this.time = now;
  }
}

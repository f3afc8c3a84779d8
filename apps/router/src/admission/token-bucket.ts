/** What the clock's rounding may take from who comes back just in time. */
const ROUNDING = 1e-6;

/**
 * A limit per minute: a bucket that holds a minute's worth and is filled evenly. What turns out to cost more than it held leaves it in debt,
 * which the next ones wait for. `now` in seconds, never running backwards.
 */
export class TokenBucket {
  private level: number;

  constructor(
    public perMinute: number,
    private time: number,
  ) {
    this.level = perMinute;
  }

  /** Seconds until `amount` may be taken: until it is there, or, where it is more than a minute's worth, until the bucket is full. */
  secondsUntil(amount: number, now: number): number {
    this.fill(now);
    const missing = Math.min(amount, this.perMinute) - this.level;
    return missing < ROUNDING ? 0 : (missing * 60) / this.perMinute;
  }

  take(amount: number, now: number): void {
    this.fill(now);
    this.level -= amount;
  }

  /** What is left stays, as far as it fits. */
  setRate(perMinute: number, now: number): void {
    this.fill(now);
    this.perMinute = perMinute;
    this.level = Math.min(this.level, perMinute);
  }

  private fill(now: number): void {
    this.level = Math.min(this.perMinute, this.level + ((now - this.time) * this.perMinute) / 60);
    this.time = now;
  }
}

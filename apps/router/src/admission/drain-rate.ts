/** How fast what is long ago is forgotten, in seconds of waiting. */
const HALF_LIFE = 30;
/** What is assumed of a queue that nobody has left yet, for one second. */
const PRIOR = { requests: 1, tokens: 256 };

/** How fast a queue has been left of late: sums over the time in which somebody waited, recent time counting most. */
export class DrainRate {
  private readonly left = { ...PRIOR };
  private seconds = 1;

  /** Time in which somebody waited. */
  pass(seconds: number): void {
    const kept = 2 ** (-seconds / HALF_LIFE);
    this.left.requests *= kept;
    this.left.tokens *= kept;
    this.seconds = this.seconds * kept + ((1 - kept) * HALF_LIFE) / Math.LN2; // the integral of what is kept
  }

  /** A request with so many prompt tokens left the queue. */
  count(tokens: number): void {
    this.left.requests++;
    this.left.tokens += tokens;
  }

  /** Seconds until so many requests and so many tokens will have left; infinite where nobody leaves any more. */
  secondsFor(requests: number, tokens: number): number {
    const secondsFor = (amount: number, left: number): number => (amount <= 0 ? 0 : (amount * this.seconds) / left);
    return Math.max(secondsFor(requests, this.left.requests), secondsFor(tokens, this.left.tokens));
  }
}

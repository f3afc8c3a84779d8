/** Waits between attempts: doubled after each failure up to `lastMs`, each cut by up to half at random so that many routers do not try at once. */
export class Backoff {
  private failures = 0;

  constructor(
    private readonly random: () => number,
    private readonly firstMs = 100,
    private readonly lastMs = 5_000,
  ) {}

  next(): number {
    const wait = Math.min(this.lastMs, this.firstMs * 2 ** this.failures);
    this.failures++;
    return wait * (1 - this.random() / 2);
  }

  reset(): void {
    this.failures = 0;
  }
}

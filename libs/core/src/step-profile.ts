/** Where the time of a step goes, on the one thread that computes it. Parts are marked when they end. */
export class StepProfile {
  private seconds: Record<string, number> = {};
  private last = 0;

  constructor(private readonly now: () => number = () => performance.now() / 1000) {}

  /** A step begins: what passed before belongs to none of its parts. */
  start(): void {
    this.seconds = {};
    this.last = this.now();
  }

  /** What passed since the last mark was spent on `part`. */
  mark(part: string): void {
    const now = this.now();
    this.seconds[part] = (this.seconds[part] ?? 0) + now - this.last;
    this.last = now;
  }

  /** Seconds by part since {@link start}. */
  read(): Record<string, number> {
    return this.seconds;
  }
}

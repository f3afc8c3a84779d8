/** How often the line is written, at most: on a terminal it is rewritten, elsewhere each one is a line of its own. */
const INTERVAL_MS = { terminal: 100, elsewhere: 2000 };

/** A line that shows how far something is. */
export class ProgressLine {
  private lastPrinted = -Infinity;

  constructor(
    private readonly stream: NodeJS.WriteStream = process.stderr,
    private readonly now: () => number = () => performance.now(),
  ) {}

  update(text: string, isLast = false): void {
    const interval = this.stream.isTTY ? INTERVAL_MS.terminal : INTERVAL_MS.elsewhere;
    if (!isLast && this.now() - this.lastPrinted <= interval) return;
    this.lastPrinted = this.now();
    this.stream.write(this.stream.isTTY ? `\r\x1b[K${text}${isLast ? '\n' : ''}` : `${text}\n`);
  }

  /** A line that stays, above the one that is rewritten. */
  note(text: string): void {
    this.stream.write(`${this.stream.isTTY ? '\r\x1b[K' : ''}${text}\n`);
  }
}

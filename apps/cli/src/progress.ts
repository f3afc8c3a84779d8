/** A line that is rewritten on a terminal, and printed at most every few seconds elsewhere. */
export class ProgressLine {
  private lastPrinted = -Infinity;

  constructor(
    private readonly stream: NodeJS.WriteStream = process.stderr,
    private readonly now: () => number = () => performance.now(),
  ) {}

  update(text: string, isLast = false): void {
    if (this.stream.isTTY) {
      this.stream.write(`\r\x1b[K${text}${isLast ? '\n' : ''}`);
    } else if (isLast || this.now() - this.lastPrinted > 2000) {
      this.lastPrinted = this.now();
      this.stream.write(`${text}\n`);
    }
  }
}

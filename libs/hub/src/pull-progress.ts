/** How far a pull is, in bytes. */
export class PullProgress {
  /** What is there: found or received. */
  done = 0;
  /** What came over the network in this pull. */
  received = 0;

  constructor(
    readonly total: number,
    private readonly onChange: (progress: PullProgress) => void = () => undefined,
  ) {}

  found(bytes: number): void {
    this.done += bytes;
    this.onChange(this);
  }

  receive(bytes: number): void {
    this.received += bytes;
    this.found(bytes);
  }

  drop(bytes: number): void {
    this.found(-bytes);
  }
}

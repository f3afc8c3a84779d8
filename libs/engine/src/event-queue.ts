/** Values on their way from callbacks to one reader, who waits while there are none. */
export class EventQueue<T> {
  private readonly values: T[] = [];
  private wake: (() => void) | null = null;

  push(value: T): void {
    this.values.push(value);
    this.wake?.();
    this.wake = null;
  }

  async next(): Promise<T> {
    while (this.values.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.values.shift()!;
  }
}

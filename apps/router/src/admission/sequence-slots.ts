/** Lets so many in at a time; the others wait, first come, first served. */
export class SequenceSlots {
  private readonly waiting = new Set<() => void>();

  /** @param free Infinity: nobody waits */
  constructor(private free: number) {}

  get numWaiting(): number {
    return this.waiting.size;
  }

  /** Resolves with a slot, which {@link release} gives back. @throws `signal.reason`, without a slot, once it is aborted */
  async acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.free > 0) {
      this.free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.waiting.delete(enter);
        reject(signal.reason as Error);
      };
      this.waiting.add(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Hands the slot to who waits longest. */
  release(): void {
    const [next] = this.waiting;
    if (next === undefined) {
      this.free++;
    } else {
      this.waiting.delete(next);
      next();
    }
  }
}

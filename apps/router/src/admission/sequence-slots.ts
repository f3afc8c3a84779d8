/** Lets so many in at a time; the others wait, first come, first served. */
export class SequenceSlots {
  private readonly waiting = new Set<() => void>();

  private taken = 0;

  /** @param max Infinity: nobody waits */
  constructor(private max: number) {}

  get numTaken(): number {
    return this.taken;
  }

  get numWaiting(): number {
    return this.waiting.size;
  }

  /** Resolves with a slot, which {@link release} gives back. @throws `signal.reason`, without a slot, once it is aborted */
  async acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.taken < this.max) {
      this.taken++;
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
    this.taken--;
    this.fill();
  }

  /** From now on so many may be in; where more are, they stay. */
  setMax(max: number): void {
    this.max = max;
    this.fill();
  }

  private fill(): void {
    for (const enter of this.waiting) {
      if (this.taken >= this.max) return;
      this.waiting.delete(enter);
      this.taken++;
      enter();
    }
  }
}

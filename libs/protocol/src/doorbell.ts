/** Looks at the counter between two looks at the clock, which cost more. */
const SPINS_PER_LOOK = 100;

/**
 * A counter in shared memory that one thread rings and another waits on. Reading the value before looking for work, and waiting for it to
 * change after none was found, loses no ring.
 */
export class Doorbell {
  private readonly counter: Int32Array<SharedArrayBuffer>;

  /**
   * @param spinMs how long {@link wait} looks again and again before it sleeps: falling asleep and waking up cost tens of microseconds, much of
   * a layer at batch 1, where a core has nothing else to do meanwhile
   */
  constructor(
    readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4),
    private readonly spinMs = 0,
  ) {
    this.counter = new Int32Array(buffer);
  }

  get value(): number {
    return Atomics.load(this.counter, 0);
  }

  ring(): void {
    Atomics.add(this.counter, 0, 1);
    Atomics.notify(this.counter, 0);
  }

  /** Blocks the thread until the value differs from `seen`. @returns false after `timeoutMs` without a ring */
  wait(seen: number, timeoutMs = Infinity): boolean {
    if (this.spinMs > 0 && this.spin(seen)) return true;
    return Atomics.wait(this.counter, 0, seen, timeoutMs) !== 'timed-out';
  }

  /** @returns whether the value differs from `seen` now */
  private spin(seen: number): boolean {
    const end = performance.now() + this.spinMs;
    do {
      for (let i = 0; i < SPINS_PER_LOOK; i++) if (this.value !== seen) return true;
    } while (performance.now() < end);
    return false;
  }

  /** Resolves when the value differs from `seen`, leaving the event loop free. Does not keep the process alive. */
  async waitAsync(seen: number, timeoutMs = Infinity): Promise<boolean> {
    return (await Atomics.waitAsync(this.counter, 0, seen, timeoutMs).value) !== 'timed-out';
  }
}

/**
 * A counter in shared memory that one thread rings and another waits on. Reading the value before looking for work, and waiting for it to
 * change after none was found, loses no ring.
 */
export class Doorbell {
  private readonly counter: Int32Array<SharedArrayBuffer>;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(4)) {
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
    return Atomics.wait(this.counter, 0, seen, timeoutMs) !== 'timed-out';
  }

  /** Resolves when the value differs from `seen`, leaving the event loop free. Does not keep the process alive. */
  async waitAsync(seen: number, timeoutMs = Infinity): Promise<boolean> {
    return (await Atomics.waitAsync(this.counter, 0, seen, timeoutMs).value) !== 'timed-out';
  }
}

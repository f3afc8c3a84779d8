/** A repeated field on its way in: numbers in memory that is used again for the next message. */
export class WireList<T extends Int32Array | Float32Array> {
  length = 0;

  constructor(readonly memory: T) {}

  /** The numbers that were read: a view. */
  get values(): T {
    return this.memory.subarray(0, this.length) as T;
  }
}

/** Ranks and positions share one double: 53 bits hold a rank below 2^21 and a position below 2^32. */
const POSITIONS = 2 ** 32;

/** A binary heap of (rank, position): the lowest rank first, of equals the lowest position. */
export class PairQueue {
  /** What `pop` took out last. */
  rank = 0;
  position = 0;

  private readonly keys: Float64Array; // [capacity]
  private size = 0;

  constructor(capacity: number) {
    this.keys = new Float64Array(capacity);
  }

  push(rank: number, position: number): void {
    const key = rank * POSITIONS + position;
    let hole = this.size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.keys[parent]! <= key) break;
      this.keys[hole] = this.keys[parent]!;
      hole = parent;
    }
    this.keys[hole] = key;
  }

  /** Takes the first pair out into `rank` and `position`. @returns false where the queue is empty */
  pop(): boolean {
    if (this.size === 0) return false;
    const first = this.keys[0]!;
    this.rank = Math.floor(first / POSITIONS);
    this.position = first % POSITIONS;
    this.sink(this.keys[--this.size]!);
    return true;
  }

  /** Fills the hole at the root with `key`. */
  private sink(key: number): void {
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && this.keys[child + 1]! < this.keys[child]!) child++;
      if (this.keys[child]! >= key) break;
      this.keys[hole] = this.keys[child]!;
      hole = child;
    }
    this.keys[hole] = key;
  }
}

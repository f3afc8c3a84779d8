import { addScaled } from '@ringmesh/tensor';

/** Partial sums of one node of the {@link ReductionTree}: one for each of its rows. */
interface Block {
  /** Any shard below the node. */
  shard: number;
  /** Ascending. */
  rows: Int32Array; // [P]
  /** Where they lie, and from which element on. */
  partials: Float32Array; // [P, H]
  start: number;
  /** The next of `rows`. */
  next: number;
}

/** Adds up the partial sums of each row in the order of the reduction tree. Used again for every batch. */
export class TreeSum {
  private readonly blocks: Block[] = [];
  private numBlocks = 0;
  /** Sums of the row at hand that wait to be added, and below which of the tree's levels each meets the one before it. */
  private readonly stack: { partials: Float32Array; start: number; level: number }[] = [];

  constructor(private readonly hiddenSize: number) {}

  clear(): void {
    this.numBlocks = 0;
  }

  /** Blocks come in the order of their shards, and no two of them have a shard in common. */
  add(shard: number, rows: Int32Array, partials: Float32Array, start: number): void {
    this.blocks[this.numBlocks++] = { shard, rows, partials, start, next: 0 };
  }

  /**
   * Adds the blocks up, in their own memory. Calls `visit` for each row that has a sum, ascending.
   * @param visit told the row, and where its sum [H] lies
   */
  forEachRow(numTokens: number, visit: (row: number, partials: Float32Array, start: number) => void): void {
    for (let row = 0; row < numTokens; row++) {
      if (!this.collect(row)) continue;
      while (this.stack.length > 1) this.addTopTwo();
      const { partials, start } = this.stack.pop()!;
      visit(row, partials, start);
    }
  }

  /** Puts the row's partial sums on the stack, and adds those that meet before the next one does. @returns false where it has none */
  private collect(row: number): boolean {
    const { stack, hiddenSize } = this;
    let previous = -1;
    for (let index = 0; index < this.numBlocks; index++) {
      const block = this.blocks[index]!;
      if (block.next === block.rows.length || block.rows[block.next]! !== row) continue;
      // Two leaves meet at the level of the highest bit in which they differ.
      const level = previous === -1 ? 32 : 32 - Math.clz32(previous ^ block.shard);
      while (stack.length > 1 && stack.at(-1)!.level < level) this.addTopTwo();
      stack.push({ partials: block.partials, start: block.start + block.next * hiddenSize, level });
      previous = block.shard;
      block.next++;
    }
    return stack.length > 0;
  }

  private addTopTwo(): void {
    const right = this.stack.pop()!;
    const left = this.stack.at(-1)!;
    addScaled(left.partials, left.start, right.partials, right.start, this.hiddenSize, 1); // [H]
  }
}
